import { Atoms, buildUnits, type Atom, type Unit } from './compile/atoms.ts';
import { likelihood } from './compile/cost.ts';
import { isIncomplete, verdictOn, type Verdict } from './compile/incomplete.ts';
import type { Condition } from './compile/node.ts';
import { ACCEPT, ProgramBuilder } from './compile/program.ts';
import type { Current, SigmaEvent, Subject } from './compile/subject.ts';
import { triggersOf } from './compile/triggers.ts';
import type { Sink } from './index/literal.ts';
import type { Expression } from './value/test.ts';

export type { SigmaEvent } from './compile/subject.ts';

/**
 * Most steps for judging one event: characters read, times the cost per character of each test. About one second of a
 * processor. With all of SigmaHQ's rules for Windows, an event takes about 3,000 steps; one with two command lines of 2 MiB,
 * built from the literals of those rules, takes 185 million.
 */
export const MAX_STEPS = 500_000_000;

/** An event that would take more than the bound to judge. */
export class OverBudgetError extends Error {
  override readonly name = 'OverBudgetError';
}

export interface EngineLimits {
  /** Default: MAX_STEPS. */
  readonly steps?: number;
  /** Smaller only in tests, which cannot wait that long. */
  readonly lastEpoch?: number;
}

const NONE: readonly number[] = [];
/** Stamps are 32-bit numbers; before they run out, after some two thousand million events, all are forgotten. */
const LAST_EPOCH = 0x7fff_fff0;

/**
 * Answers which of many conditions hold for an event. Literal indexes tell
 * which atoms are true, true atoms make a few conditions candidates, and a flat program decides those.
 *
 * One event at a time: the engine keeps the state of the event under way. It keeps nothing between events.
 */
export class Engine implements Sink {
  /** Names of the event's fields that any condition reads; a mapper need not fill others. */
  readonly fields: ReadonlySet<string>;
  /** Whether a keyword looks at every value of the event. */
  readonly readsEverything: boolean;

  readonly #current: Current = { event: {}, epoch: 0 };
  readonly #atoms: readonly Atom[];
  readonly #subjects: readonly Subject[];
  readonly #units: readonly Unit[];
  /** Units that can make candidates, by the field they read. */
  readonly #eager: readonly { readonly subject: Subject; readonly units: readonly number[] }[];
  readonly #unitOf: Int32Array;
  /** Epoch of the event for which a unit was last asked. */
  readonly #asked: Int32Array;
  /** For each atom: the epoch if it is true, minus the epoch if it is false, else unknown. */
  readonly #stamps: Int32Array;
  readonly #code: Int32Array;
  readonly #entries: Int32Array;
  readonly #always: readonly number[];
  /** For each atom: the conditions that it makes candidates. */
  readonly #triggered: readonly (Int32Array | undefined)[];
  readonly #candidates: Int32Array;
  readonly #candidateEpoch: Int32Array;
  readonly #lastEpoch: number;
  readonly #maxSteps: number;
  #count = 0;
  #steps = 0;

  constructor(expressions: readonly Expression[], { steps = MAX_STEPS, lastEpoch = LAST_EPOCH }: EngineLimits = {}) {
    this.#lastEpoch = lastEpoch;
    this.#maxSteps = steps;
    const atoms = new Atoms(this.#current);
    const conditions = expressions.map((expression) => atoms.condition(expression));
    this.#atoms = atoms.list;
    this.#subjects = [...atoms.subjects.values()];
    this.#units = buildUnits(atoms.list);
    this.#stamps = new Int32Array(atoms.list.length);
    this.#asked = new Int32Array(this.#units.length);
    this.#unitOf = new Int32Array(atoms.list.length).fill(-1);
    for (const [unit, { atoms: own }] of this.#units.entries()) for (const atom of own) this.#unitOf[atom] = unit;

    const always: number[] = [];
    const triggered: (number[] | undefined)[] = atoms.list.map(() => undefined);
    for (const [number, condition] of conditions.entries()) {
      const triggers = triggersOf(condition, atoms.list);
      if (triggers === undefined) always.push(number);
      else for (const atom of triggers.atoms) (triggered[atom] ??= []).push(number);
    }
    this.#always = always;
    this.#triggered = triggered.map((list) => (list === undefined ? undefined : Int32Array.from(list)));
    this.#eager = eagerUnits(this.#units, this.#triggered);

    const builder = new ProgramBuilder();
    const rank = ranking(atoms.list, new Set(this.#eager.flatMap((e) => e.units)), this.#unitOf);
    this.#entries = Int32Array.from(conditions.map((condition) => builder.add(condition, rank)));
    this.#code = builder.code();
    this.#candidates = new Int32Array(conditions.length);
    this.#candidateEpoch = new Int32Array(conditions.length);
    this.fields = new Set([...atoms.subjects.keys()].filter((field) => field !== null));
    this.readsEverything = atoms.subjects.has(null);
  }

  /**
   * The numbers of the conditions that hold, in their order. The list is the caller's; an
   * empty one is shared and must not be changed.
   * @throws {OverBudgetError} when it would take too long to say
   */
  match(event: SigmaEvent): readonly number[] {
    this.#begin(event);
    for (const { subject, units } of this.#eager) {
      subject.refresh();
      if (subject.texts === undefined) continue;
      for (const unit of units) this.#scan(unit);
    }
    let matched: number[] | undefined;
    for (const number of this.#always) if (this.#run(this.#entries[number]!)) (matched ??= []).push(number);
    for (let i = 0; i < this.#count; i++) {
      const number = this.#candidates[i]!;
      if (this.#run(this.#entries[number]!)) (matched ??= []).push(number);
    }
    this.#current.event = NO_EVENT;
    return matched === undefined ? NONE : matched.length > 1 ? matched.sort((a, b) => a - b) : matched;
  }

  /**
   * The same for an event with fields of which only the end is known. Evaluates every condition, and follows both branches of each
   * undecided atom: this costs many times as much, for very rare events.
   * @param incomplete names of those fields
   * @param mayMatch whether an undecided condition counts as holding
   * @throws {OverBudgetError} when it would take too long to say
   */
  matchIncomplete(
    event: SigmaEvent,
    incomplete: ReadonlySet<string>,
    mayMatch: (condition: number) => boolean,
  ): readonly number[] {
    this.#begin(event);
    const verdicts = new Map<number, Verdict>();
    const ask = (atom: number): Verdict => {
      if (!isIncomplete(this.#atoms[atom]!, incomplete)) return this.#holds(atom);
      if (!verdicts.has(atom)) verdicts.set(atom, this.#verdict(this.#atoms[atom]!, incomplete));
      return verdicts.get(atom);
    };
    const matched: number[] = [];
    for (const [number, entry] of this.#entries.entries()) {
      const { accepts, rejects } = this.#explore(entry, ask);
      if (accepts && (!rejects || mayMatch(number))) matched.push(number);
    }
    this.#current.event = NO_EVENT;
    return matched;
  }

  /** Sizes, for logs and benchmarks. */
  statistics(): { conditions: number; always: number; atoms: number; units: number; indexBytes: number } {
    const indexBytes = this.#units.reduce((sum, u) => sum + u.index.bytes, 0);
    return {
      conditions: this.#entries.length,
      always: this.#always.length,
      atoms: this.#atoms.length,
      units: this.#units.length,
      indexBytes,
    };
  }

  /** How many conditions the last event was a candidate for. */
  get lastCandidates(): number {
    return this.#count;
  }

  /** How many steps the last event took. */
  get lastSteps(): number {
    return this.#steps;
  }

  /** Called by an index: these atoms are true. */
  found(list: Int32Array): void {
    const { epoch } = this.#current;
    // The first entry is the index's room for our note that this event had the list before.
    if (list[0] === epoch) return;
    list[0] = epoch;
    const stamps = this.#stamps;
    for (let i = 1; i < list.length; i++) {
      const atom = list[i]!;
      if (stamps[atom] === epoch) continue;
      stamps[atom] = epoch;
      const conditions = this.#triggered[atom];
      if (conditions !== undefined) this.#nominate(conditions, epoch);
    }
  }

  #begin(event: SigmaEvent): void {
    const current = this.#current;
    if (current.epoch >= this.#lastEpoch) this.#forget();
    current.epoch++;
    current.event = event;
    this.#count = 0;
    this.#steps = 0;
  }

  #verdict(atom: Atom, incomplete: ReadonlySet<string>): Verdict {
    atom.subject.refresh();
    this.#spend((atom.kind === 'check' ? atom.perCharacter : 1) * atom.subject.size);
    return verdictOn(atom, incomplete);
  }

  /** Returns the possible ends of a program when undecided atoms are followed both ways. */
  #explore(entry: number, ask: (atom: number) => Verdict): { accepts: boolean; rejects: boolean } {
    const code = this.#code;
    const seen = new Set<number>();
    const open = [entry];
    let [accepts, rejects] = [false, false];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === ACCEPT) accepts = true;
      else if (at < 0) rejects = true;
      else if (!seen.has(at)) {
        seen.add(at);
        const verdict = ask(code[at]!);
        if (verdict !== false) open.push(code[at + 1]!);
        if (verdict !== true) open.push(code[at + 2]!);
      }
    }
    return { accepts, rejects };
  }

  #nominate(conditions: Int32Array, epoch: number): void {
    for (let i = 0; i < conditions.length; i++) {
      const number = conditions[i]!;
      if (this.#candidateEpoch[number] === epoch) continue;
      this.#candidateEpoch[number] = epoch;
      this.#candidates[this.#count++] = number;
    }
  }

  #scan(unit: number): void {
    this.#asked[unit] = this.#current.epoch;
    const { subject, index } = this.#units[unit]!;
    const { texts } = subject;
    if (typeof texts === 'string') this.#spend(index.scan(texts, this));
    else if (texts !== undefined) for (const text of texts) this.#spend(index.scan(text, this));
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps) throw new OverBudgetError(`more than ${this.#maxSteps} steps`);
  }

  #run(entry: number): boolean {
    const code = this.#code;
    let at = entry;
    while (at >= 0) at = code[this.#holds(code[at]!) ? at + 1 : at + 2]!;
    return at === ACCEPT;
  }

  #holds(atom: number): boolean {
    const { epoch } = this.#current;
    const stamp = this.#stamps[atom];
    if (stamp === epoch) return true;
    if (stamp === -epoch) return false;
    const unit = this.#unitOf[atom]!;
    if (unit < 0) return this.#check(atom);
    if (this.#asked[unit] === epoch) return false;
    this.#units[unit]!.subject.refresh();
    this.#scan(unit);
    return this.#stamps[atom] === epoch;
  }

  #check(number: number): boolean {
    const atom = this.#atoms[number]!;
    if (atom.kind !== 'check') return false;
    let holds = false;
    if (atom.gate === undefined || this.#holds(atom.gate)) {
      atom.subject.refresh();
      holds = atom.holds(atom.subject);
      this.#spend(atom.perCharacter * atom.subject.size + (atom.spent?.() ?? 0));
    }
    this.#stamps[number] = holds ? this.#current.epoch : -this.#current.epoch;
    return holds;
  }

  #forget(): void {
    this.#current.epoch = 0;
    this.#stamps.fill(0);
    this.#asked.fill(0);
    this.#candidateEpoch.fill(0);
    for (const { index } of this.#units) for (const list of index.lists) list[0] = 0;
    for (const subject of this.#subjects) subject.forget();
  }
}

const NO_EVENT: SigmaEvent = {};

function eagerUnits(
  units: readonly Unit[],
  triggered: readonly (Int32Array | undefined)[],
): { subject: Subject; units: number[] }[] {
  const bySubject = new Map<Subject, number[]>();
  for (const [number, { subject, atoms }] of units.entries()) {
    if (!atoms.some((atom) => triggered[atom] !== undefined)) continue;
    const list = bySubject.get(subject) ?? [];
    list.push(number);
    bySubject.set(subject, list);
  }
  return [...bySubject].map(([subject, list]) => ({ subject, units: list }));
}

/** Ranks cheap and decisive atoms first: a stamp, then another index, then a function. */
function ranking(
  atoms: readonly Atom[],
  eager: ReadonlySet<number>,
  unitOf: Int32Array,
): (condition: Condition) => number {
  const ofAtom = (number: number): number => {
    const atom = atoms[number]!;
    if (atom.kind === 'literals') return (eager.has(unitOf[number]!) ? 0 : 10) + Math.min(1, likelihood(atom));
    const gate = atom.gate === undefined ? 5 : ofAtom(atom.gate);
    return gate + (atom.test.kind === 'regex' ? 20 : 2);
  };
  const rank = (node: Condition): number => {
    if (node.op === 'atom') return ofAtom(node.atom);
    if (node.op === 'not') return rank(node.arg) + 1;
    return node.op === 'constant' ? 0 : node.args.reduce((most, arg) => Math.max(most, rank(arg)), 0);
  };
  return rank;
}
