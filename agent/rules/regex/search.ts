import { Alphabet, type Kind } from './alphabet.ts';
import type { Assertion } from './ast.ts';
import type { Program } from './program.ts';
import { has } from './ranges.ts';

/** Deterministic states that are kept; more are forgotten and built again. */
const MAX_STATES = 512;
/** After this many times forgetting in one search, states are no longer worth keeping for it. */
const MAX_FLUSHES = 4;

const UNKNOWN = 0;
const FOUND = -1;
const ENDED = -2;

const NONE = new Uint8Array(0);

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
  readonly #program: Program;
  readonly #alphabet: Alphabet;
  readonly #states: State[] = [];
  readonly #ids = new Map<string, number>();
  /** Instructions seen in the closure under way. */
  readonly #seen: Uint32Array;
  /** For each instruction that reads a character: whether it takes those of a class. */
  readonly #members: readonly Uint8Array[];
  #round = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#alphabet = new Alphabet(program);
    this.#seen = new Uint32Array(program.code.length);
    const { classes } = this.#alphabet;
    this.#members = program.code.map((instruction) =>
      instruction.op === 'set'
        ? Uint8Array.from(classes, ({ sample }) => (sample >= 0 && has(instruction.set, sample) ? 1 : 0))
        : NONE,
    );
  }

  test(text: string): boolean {
    const alphabet = this.#alphabet;
    let flushes = 0;
    let state = this.#state([this.#program.start], 'none');
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
        next = this.#build(state, c);
      }
      if (next === FOUND) return true;
      if (next === ENDED) return false;
      state = this.#states[next - 1]!;
    }
  }

  #build(state: State, c: number): number {
    const waiting = this.#step(state.waiting, state.before, c);
    let next: number;
    if (waiting === undefined) next = FOUND;
    else if (c === this.#alphabet.end) next = ENDED;
    else {
      const sorted = waiting.sort((a, b) => a - b);
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
    let { waiting, before }: { waiting: readonly number[]; before: Kind } = state;
    let i = from;
    let c = first;
    for (;;) {
      const next = this.#step(waiting, before, c);
      if (next === undefined) return true;
      if (c === end) return false;
      waiting = next;
      before = classes[c]!.kind;
      const point = text.codePointAt(i);
      if (point === undefined) c = end;
      else {
        i += point > 0xffff ? 2 : 1;
        c = point === 0x0a && i === text.length ? lastLineFeed : this.#alphabet.classOf(point);
      }
    }
  }

  /** Follows every path over one character. @returns what waits after it, or undefined when a path was complete before it */
  #step(waiting: readonly number[], before: Kind, c: number): number[] | undefined {
    const { code, start } = this.#program;
    const seen = this.#seen;
    const { kind: after } = this.#alphabet.classes[c]!;
    const last = c === this.#alphabet.lastLineFeed;
    const round = ++this.#round;
    const stack = [...waiting];
    const reached: number[] = [];
    while (stack.length > 0) {
      const at = stack.pop()!;
      if (seen[at] === round) continue;
      seen[at] = round;
      const instruction = code[at]!;
      switch (instruction.op) {
        case 'match':
          return undefined;
        case 'split':
          for (const next of instruction.next) stack.push(next);
          break;
        case 'assert':
          if (holds(instruction.at, before, after, last)) stack.push(instruction.next);
          break;
        case 'set':
          if (this.#members[at]![c] === 1) reached.push(instruction.next);
      }
    }
    reached.push(start);
    return [...new Set(reached)];
  }
}

const key = (waiting: readonly number[], before: Kind) => `${before}:${waiting.join()}`;

function holds(at: Assertion, before: Kind, after: Kind, last: boolean): boolean {
  switch (at) {
    case 'start':
      return before === 'none';
    case 'end':
      return after === 'none' || last;
    case 'very_end':
      return after === 'none';
    case 'line_start':
      return before === 'none' || before === 'line_feed';
    case 'line_end':
      return after === 'none' || after === 'line_feed';
    case 'word':
      return (before === 'word') !== (after === 'word');
    case 'not_word':
      return (before === 'word') === (after === 'word');
  }
}
