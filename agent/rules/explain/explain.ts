import { Atoms, type Atom } from '../compile/atoms.ts';
import { CHECK_STEPS, compileCheck, type Check } from '../compile/check.ts';
import { isIncomplete, verdictOn } from '../compile/incomplete.ts';
import type { Current, SigmaEvent, Subject } from '../compile/subject.ts';
import { MAX_STEPS, OverBudgetError } from '../engine.ts';
import type { Expression, Origin, Test } from '../value/test.ts';
import type { Explained, Held } from './explained.ts';
import { fieldValue, type PartlyKnown } from './field-value.ts';

/** Parts of one explanation. The largest rules have some hundreds. */
const MAX_PARTS = 100_000;

const NO_EVENT: SigmaEvent = {};

export interface ExplainLimits {
  /** Steps as the engine counts them. Default: as many as it may take. */
  readonly steps?: number;
  /** Default: MAX_PARTS. */
  readonly parts?: number;
}

/** A test with what decides it. */
interface Leaf {
  /** As the engine asks it, for fields with a known end only. */
  readonly atom: Atom;
  readonly subject: Subject;
  readonly check: Check;
}

/**
 * Says which parts of one condition held for an event, and which did not. Walks the condition as it was parsed and asks every
 * test of it, without indexes, order or shortcuts: so its verdict is also an independent check of the engine's
 * (test/agent/rules/explain).
 *
 * One event at a time. No event has an effect on the next one's explanation.
 */
export class Explainer {
  readonly #expression: Expression;
  readonly #current: Current = { event: NO_EVENT, epoch: 0 };
  readonly #atoms = new Atoms(this.#current);
  readonly #leaves = new Map<Test, Leaf>();
  readonly #maxSteps: number;
  readonly #maxParts: number;
  #known: PartlyKnown = {};
  #steps = 0;
  #parts = 0;

  constructor(expression: Expression, { steps = MAX_STEPS, parts = MAX_PARTS }: ExplainLimits = {}) {
    this.#expression = expression;
    this.#maxSteps = steps;
    this.#maxParts = parts;
  }

  /**
   * @param event in Sigma's names
   * @param known which fields are known in part only
   * @throws {OverBudgetError} when it would take too long, or too many parts, to say
   */
  explain(event: SigmaEvent, known: PartlyKnown = {}): Explained {
    this.#current.epoch++;
    this.#current.event = event;
    this.#known = known;
    this.#steps = 0;
    this.#parts = 0;
    try {
      return this.#part(this.#expression, this.#expression.origins ?? []);
    } finally {
      this.#current.event = NO_EVENT;
    }
  }

  /** @param origins those of the expression that have no part of their own yet */
  #part(expression: Expression, [origin, ...inner]: readonly Origin[]): Explained {
    if (++this.#parts > this.#maxParts) throw new OverBudgetError(`more than ${this.#maxParts} parts`);
    if (origin?.part === 'value') return this.#value(expression, origin.value);
    const named = origin === undefined ? ({ part: 'group' } as const) : origin;
    const event = origin?.part === 'item' ? this.#eventOf(expression) : {};
    if (inner.length > 0) {
      const only = this.#part(expression, inner);
      return { ...named, held: only.held, ...event, parts: [only] };
    }
    const { held, ...linked } = this.#linked(expression);
    return { ...named, held, ...event, ...linked };
  }

  #linked(expression: Expression): Pick<Explained, 'held' | 'link' | 'parts'> {
    if (expression.op === 'test') return { held: this.#test(expression) };
    if (expression.op === 'not') {
      const part = this.#part(expression.arg, expression.arg.origins ?? []);
      return { held: not(part.held), link: 'not', parts: [part] };
    }
    const parts = expression.args.map((arg) => this.#part(arg, arg.origins ?? []));
    const helds = parts.map(({ held }) => held);
    return expression.op === 'and'
      ? { held: all(helds), link: 'all', parts }
      : { held: any(helds), link: 'any', parts };
  }

  /** A value can stand for many tests: every spelling of `windash`, every value of a placeholder. One of them is enough. */
  #value(expression: Expression, value: string | number | boolean | null): Explained {
    const tests = testsOf(expression);
    const held = any(tests.map((test) => this.#test(test)));
    const [first] = tests;
    const event =
      first?.test.kind === 'field' ? { event: this.#fieldValue(this.#atoms.subject(first.test.field)) } : {};
    return { part: 'value', value, held, ...event };
  }

  #eventOf(expression: Expression): Pick<Explained, 'event'> {
    const field = fieldOf(expression);
    return typeof field === 'string' ? { event: this.#fieldValue(this.#atoms.subject(field)) } : {};
  }

  #fieldValue(subject: Subject): NonNullable<Explained['event']> {
    subject.refresh();
    return fieldValue(subject.field ?? '', subject.raw, this.#known);
  }

  #test(expression: Extract<Expression, { op: 'test' }>): Held {
    const { atom, subject, check } = this.#leaf(expression);
    subject.refresh();
    this.#spend(1 + (atom.kind === 'literals' ? 1 : (check.perCharacter ?? CHECK_STEPS)) * subject.size);
    const { ends } = this.#known;
    if (ends !== undefined && isIncomplete(atom, ends)) return verdictOn(atom, ends) ?? 'maybe';
    const held = check.holds(subject);
    this.#spend(check.spent?.() ?? 0);
    return held;
  }

  #leaf({ field, test }: Extract<Expression, { op: 'test' }>): Leaf {
    let leaf = this.#leaves.get(test);
    if (leaf === undefined) {
      const condition = this.#atoms.condition({ op: 'test', field, test });
      if (condition.op !== 'atom') throw new Error('a test is one atom');
      const subject = this.#atoms.subject(field);
      leaf = {
        atom: this.#atoms.list[condition.atom]!,
        subject,
        check: compileCheck(test, (name) => this.#atoms.subject(name)),
      };
      this.#leaves.set(test, leaf);
    }
    return leaf;
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps) throw new OverBudgetError(`more than ${this.#maxSteps} steps`);
  }
}

const explainers = new WeakMap<Expression, Explainer>();

/**
 * Says why a rule matches an event, or why it does not.
 * @param rule its expression is compiled once and kept as long as the rule
 * @param event in Sigma's names, as the rule saw it
 * @throws {OverBudgetError} when it would take too long to say
 */
export function explain({ expression }: { readonly expression: Expression }, event: SigmaEvent, known?: PartlyKnown) {
  let explainer = explainers.get(expression);
  if (explainer === undefined) explainers.set(expression, (explainer = new Explainer(expression)));
  return explainer.explain(event, known);
}

/** Whether a rule with this explanation matches: one that may match does. */
export const isMatch = ({ held }: Explained): boolean => held !== false;

/** The tests below an expression, whatever links them. */
function testsOf(expression: Expression): Extract<Expression, { op: 'test' }>[] {
  if (expression.op === 'test') return [expression];
  return expression.op === 'not' ? testsOf(expression.arg) : expression.args.flatMap(testsOf);
}

/** The field of an item, which is the same in all of its tests; null for a keyword. */
function fieldOf(expression: Expression): string | null | undefined {
  if (expression.op === 'test') return expression.field;
  const first = expression.op === 'not' ? expression.arg : expression.args[0];
  return first === undefined ? undefined : fieldOf(first);
}

const not = (held: Held): Held => (held === 'maybe' ? held : !held);

function all(helds: readonly Held[]): Held {
  if (helds.includes(false)) return false;
  return helds.includes('maybe') ? 'maybe' : true;
}

function any(helds: readonly Held[]): Held {
  if (helds.includes(true)) return true;
  return helds.includes('maybe') ? 'maybe' : false;
}
