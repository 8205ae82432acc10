import { Alphabet, type Kind } from './alphabet.ts';
import type { Assertion } from './ast.ts';
import { BitSearch } from './bits.ts';
import type { Program } from './program.ts';
import { has } from './ranges.ts';

/** Deterministic states that are kept; more are forgotten and built again. */
const MAX_STATES = 512;
/** After this many times forgetting in one search, states are no longer worth keeping for it. */
const MAX_FLUSHES = 4;
/** States that one search builds before it goes over to bits, where the program can. */
const MAX_BUILT = 64;

/** Rounds are 32-bit numbers. */
const LAST_ROUND = 0xffff_fff0;

const OPS = ['match', 'set', 'split', 'assert'];
const MATCH = 0;
const SET = 1;
const SPLIT = 2;

const UNKNOWN = 0;
const FOUND = -1;
const ENDED = -2;

interface State {
  /** Instructions that wait for the next character, sorted; the start is always among them. */
  readonly waiting: readonly number[];
  /** Of the character just read. */
  readonly before: Kind;
  /** For each class: the next state plus one, FOUND, or UNKNOWN. */
  readonly next: Int32Array;
}

/**
 * Searches a text for a program in time linear in the text, whatever both
 * are: it follows all paths at once. Sets of paths become states of a deterministic automaton
 * on their first use, so that usual texts cost one look-up a character.
 */
export class Search {
  readonly #start: number;
  /** Of each instruction: what it does, and where its successors are in `#edges`: from its own number to that of the next. */
  readonly #ops: Uint8Array;
  readonly #first: Int32Array;
  readonly #edges: Int32Array;
  readonly #asserted: readonly (Assertion | undefined)[];
  readonly #alphabet: Alphabet;
  readonly #states: State[] = [];
  readonly #ids = new Map<string, number>();
  /** By instruction: the round in which a closure last came by, and in which it was last reached by a character. */
  readonly #seen: Uint32Array;
  readonly #queued: Uint32Array;
  /** By class, then by instruction: whether an instruction that reads a character takes those of the class. */
  readonly #members: readonly Uint8Array[];
  /** Instructions still to follow, and those that wait for the next character. */
  readonly #stack: Int32Array;
  readonly #reached: Int32Array;
  /** Another way to search, for texts that make too many states; absent where the program does not allow it. */
  readonly bits: BitSearch | undefined;
  readonly #classOf = (point: number): number => this.#alphabet.classOf(point);
  #round = 0;
  /** Steps that the last search took beyond one a character. */
  spent = 0;

  constructor(program: Program) {
    const { code } = program;
    this.#start = program.start;
    this.#alphabet = new Alphabet(program);
    this.bits = BitSearch.of(program, this.#alphabet.classes);
    this.#ops = Uint8Array.from(code, ({ op }) => OPS.indexOf(op));
    const edges = code.map((one) => (one.op === 'match' ? [] : one.op === 'split' ? one.next : [one.next]));
    let sum = 0;
    this.#first = Int32Array.from([0, ...edges.map((list) => (sum += list.length))]);
    this.#edges = Int32Array.from(edges.flat());
    this.#asserted = code.map((one) => (one.op === 'assert' ? one.at : undefined));
    this.#seen = new Uint32Array(code.length);
    this.#queued = new Uint32Array(code.length);
    this.#reached = new Int32Array(code.length + 1);
    this.#stack = new Int32Array(code.length + 1 + this.#edges.length);
    this.#members = this.#alphabet.classes.map(({ sample }) =>
      Uint8Array.from(code, (one) => (one.op === 'set' && sample >= 0 && has(one.set, sample) ? 1 : 0)),
    );
  }

  test(text: string): boolean {
    const alphabet = this.#alphabet;
    let flushes = 0;
    let built = 0;
    this.spent = 0;
    let state = this.#state([this.#start], 'none');
    for (let i = 0; ;) {
      let c: number;
      if (i >= text.length) c = alphabet.end;
      else {
        const unit = text.charCodeAt(i++);
        if (unit === 0x0a && i === text.length) c = alphabet.lastLineFeed;
        else if (unit < 0xd800 || unit > 0xdbff || i >= text.length) c = alphabet.classOf(unit);
        else {
          const point = text.codePointAt(i - 1)!;
          if (point > 0xffff) i++;
          c = alphabet.classOf(point);
        }
      }
      let next = state.next[c]!;
      if (next === UNKNOWN) {
        if (this.#states.length >= MAX_STATES) {
          if (++flushes > MAX_FLUSHES) return this.#simulate(text, i, state, c);
          this.#states.length = 0;
          this.#ids.clear();
        }
        if (this.bits !== undefined && ++built > MAX_BUILT) {
          this.spent += this.bits.steps * text.length;
          return this.bits.test(text, this.#classOf);
        }
        next = this.#build(state, c);
      }
      if (next === FOUND) return true;
      if (next === ENDED) return false;
      state = this.#states[next - 1]!;
    }
  }

  #build(state: State, c: number): number {
    const count = this.#step(state.waiting, state.waiting.length, state.before, c);
    let next: number;
    if (count < 0) next = FOUND;
    else if (c === this.#alphabet.end) next = ENDED;
    else {
      const sorted = [...this.#reached.subarray(0, count).sort()];
      this.#state(sorted, this.#alphabet.classes[c]!.kind);
      next = this.#ids.get(key(sorted, this.#alphabet.classes[c]!.kind))! + 1;
    }
    state.next[c] = next;
    return next;
  }

  #state(waiting: readonly number[], before: Kind): State {
    const name = key(waiting, before);
    const found = this.#ids.get(name);
    if (found !== undefined) return this.#states[found]!;
    const state: State = { waiting, before, next: new Int32Array(this.#alphabet.classes.length) };
    this.#ids.set(name, this.#states.push(state) - 1);
    return state;
  }

  /** The same without keeping states, for the rest of a text that makes too many: `from` is after a character of class `first`. */
  #simulate(text: string, from: number, state: State, first: number): boolean {
    const { end, lastLineFeed, classes } = this.#alphabet;
    const waiting = new Int32Array(this.#reached.length);
    waiting.set(state.waiting);
    let count = state.waiting.length;
    let { before } = state;
    let i = from;
    let c = first;
    for (;;) {
      count = this.#step(waiting, count, before, c);
      if (count < 0) return true;
      if (c === end) return false;
      waiting.set(this.#reached.subarray(0, count));
      before = classes[c]!.kind;
      const point = text.codePointAt(i);
      if (point === undefined) c = end;
      else {
        i += point > 0xffff ? 2 : 1;
        c = point === 0x0a && i === text.length ? lastLineFeed : this.#alphabet.classOf(point);
      }
    }
  }

  /**
   * Follows every path over one character. The waiting instructions are then at the start of `#reached`.
   * @returns how many those are, or -1 when a path was complete before the character
   */
  #step(waiting: ArrayLike<number>, waitingCount: number, before: Kind, c: number): number {
    const ops = this.#ops;
    const edges = this.#edges;
    const first = this.#first;
    const start = this.#start;
    const seen = this.#seen;
    const queued = this.#queued;
    const stack = this.#stack;
    const reached = this.#reached;
    const members = this.#members[c]!;
    const { kind: after } = this.#alphabet.classes[c]!;
    const last = c === this.#alphabet.lastLineFeed;
    if (++this.#round > LAST_ROUND) this.#forgetRounds();
    const round = this.#round;
    let depth = 0;
    let count = 0;
    let steps = 0;
    for (let w = 0; w < waitingCount; w++) {
      stack[depth++] = waiting[w]!;
      while (depth > 0) {
        const at = stack[--depth]!;
        if (seen[at] === round) continue;
        seen[at] = round;
        steps++;
        const op = ops[at]!;
        const edge = first[at]!;
        if (op === SET) {
          const next = edges[edge]!;
          if (members[at] === 1 && queued[next] !== round) {
            queued[next] = round;
            reached[count++] = next;
          }
        } else if (op === MATCH) {
          this.spent += steps;
          return -1;
        } else if (op === SPLIT || holds(this.#asserted[at]!, before, after, last)) {
          for (let e = edge; e < first[at + 1]!; e++) stack[depth++] = edges[e]!;
        }
      }
    }
    this.spent += steps;
    if (queued[start] !== round) reached[count++] = start;
    return count;
  }

  #forgetRounds(): void {
    this.#round = 1;
    this.#seen.fill(0);
    this.#queued.fill(0);
  }
}

const key = (waiting: readonly number[], before: Kind) => `${before}:${waiting.join()}`;

/** Whether an assertion is true between two characters. */
export function holds(at: Assertion, before: Kind, after: Kind, last: boolean): boolean {
  switch (at) {
    case 'start':
      return before === 'none';
    case 'end':
      return after === 'none' || last;
    case 'very_end':
      return after === 'none';
    case 'line_start':
      return before === 'none' || (before === 'line_feed' && after !== 'none');
    case 'line_end':
      return after === 'none' || after === 'line_feed';
    case 'word':
      return (before === 'word') !== (after === 'word');
    case 'not_word':
      return (before === 'word') === (after === 'word');
  }
}
