import { ContainsIndex } from '../index/contains.ts';
import { EndIndex } from '../index/ends.ts';
import type { Literal, LiteralIndex, Position } from '../index/literal.ts';
import { SkipIndex } from '../index/skip.ts';
import type { Expression, Test } from '../value/test.ts';
import { CHECK_STEPS, compileCheck, type Check } from './check.ts';
import { literalsOf, type Literals } from './classify.ts';
import { combine, FALSE, negate, type Condition } from './node.ts';
import { Subject, type Current } from './subject.ts';

/** One atom: an indexed literal or a check. */
export type Atom = LiteralAtom | CheckAtom;

/** True when a field holds one of the literals; decided by an index. */
export interface LiteralAtom {
  readonly kind: 'literals';
  readonly subject: Subject;
  readonly position: Position;
  readonly texts: readonly string[];
}

/** True when a function returns true; it requires the atom `gate`. */
interface CheckAtom {
  readonly kind: 'check';
  readonly subject: Subject;
  readonly holds: Check['holds'];
  readonly gate: number | undefined;
  readonly perCharacter: number;
  readonly spent: Check['spent'];
  readonly test: Test;
}

/** Turns expressions into conditions over atoms; equal questions of different rules become one atom. */
export class Atoms {
  readonly list: Atom[] = [];
  readonly subjects = new Map<string | null, Subject>();
  readonly #current: Current;
  readonly #known = new Map<string, number>();

  constructor(current: Current) {
    this.#current = current;
  }

  condition(expression: Expression): Condition {
    if (expression.op === 'not') return negate(this.condition(expression.arg));
    if (expression.op === 'test') return this.#alternatives([expression]);
    if (expression.op === 'and')
      return combine(
        'and',
        expression.args.map((arg) => this.condition(arg)),
      );
    const flat = flatten(expression.args);
    const tests = flat.filter((arg) => arg.op === 'test');
    const others = flat.filter((arg) => arg.op !== 'test').map((arg) => this.condition(arg));
    return combine('or', [this.#alternatives(tests), ...others]);
  }

  subject(field: string | null): Subject {
    let subject = this.subjects.get(field);
    if (subject === undefined) this.subjects.set(field, (subject = new Subject(field, this.#current)));
    return subject;
  }

  /** Tests linked with OR: literals of the same field and position are one atom. */
  #alternatives(tests: readonly Extract<Expression, { op: 'test' }>[]): Condition {
    const groups = new Map<string, { field: string | null; position: Position; texts: Set<string> }>();
    const args: Condition[] = [];
    for (const { field, test } of tests) {
      const literals = test.kind === 'text' && !test.cased ? literalsOf(test.tokens) : undefined;
      if (literals === undefined) {
        args.push({ op: 'atom', atom: this.#check(field, test) });
        continue;
      }
      const name = `${literals.position} ${field ?? ''} ${field === null}`;
      const group = groups.get(name) ?? { field, position: literals.position, texts: new Set() };
      for (const text of literals.texts) group.texts.add(text);
      groups.set(name, group);
    }
    for (const { field, position, texts } of groups.values()) {
      args.push({ op: 'atom', atom: this.#literals(field, { position, texts: [...texts] }) });
    }
    return tests.length === 0 ? FALSE : combine('or', args);
  }

  #literals(field: string | null, { position, texts }: Literals): number {
    const sorted = [...new Set(texts)].sort();
    return this.#intern(JSON.stringify([field, position, sorted]), () => ({
      kind: 'literals',
      subject: this.subject(field),
      position,
      texts: sorted,
    }));
  }

  #check(field: string | null, test: Test): number {
    return this.#intern(JSON.stringify([field, test]), () => {
      const { holds, gate, spent, perCharacter = CHECK_STEPS } = compileCheck(test, (name) => this.subject(name));
      return {
        kind: 'check',
        subject: this.subject(field),
        holds,
        perCharacter,
        spent,
        gate: gate === undefined ? undefined : this.#literals(field, gate),
        test,
      };
    });
  }

  #intern(name: string, make: () => Atom): number {
    let number = this.#known.get(name);
    if (number === undefined) {
      // Making an atom can make its gate first.
      const atom = make();
      number = this.list.push(atom) - 1;
      this.#known.set(name, number);
    }
    return number;
  }
}

function flatten(args: readonly Expression[]): Expression[] {
  return args.flatMap((arg) => (arg.op === 'or' ? flatten(arg.args) : [arg]));
}

/** One index over one field: all literals of one kind of position. */
export interface Unit {
  readonly subject: Subject;
  readonly index: LiteralIndex;
  readonly atoms: readonly number[];
}

interface UnitDraft {
  readonly subject: Subject;
  readonly kind: 'contains' | 'prefix' | 'suffix';
  readonly texts: Map<string, Literal & { readonly atoms: number[] }>;
  readonly atoms: number[];
}

/** The indexes that decide every literal atom. */
export function buildUnits(atoms: readonly Atom[]): Unit[] {
  const groups = new Map<string, UnitDraft>();
  for (const [number, atom] of atoms.entries()) {
    if (atom.kind !== 'literals') continue;
    const kind = atom.position === 'equals' ? 'suffix' : atom.position;
    const name = `${kind} ${atom.subject.field === null} ${atom.subject.field ?? ''}`;
    const group: UnitDraft = groups.get(name) ?? { subject: atom.subject, kind, texts: new Map(), atoms: [] };
    groups.set(name, group);
    group.atoms.push(number);
    for (const text of atom.texts) {
      const key = `${atom.position} ${text}`;
      const literal = group.texts.get(key);
      if (literal === undefined) group.texts.set(key, { text, position: atom.position, atoms: [number] });
      else literal.atoms.push(number);
    }
  }
  return [...groups.values()].map(({ subject, kind, texts, atoms: own }) => ({
    subject,
    index: indexOf(kind, [...texts.values()]),
    atoms: own,
  }));
}

function indexOf(kind: UnitDraft['kind'], literals: readonly Literal[]): LiteralIndex {
  if (kind !== 'contains') return new EndIndex(literals, kind);
  return SkipIndex.suits(literals) ? new SkipIndex(literals) : new ContainsIndex(literals);
}
