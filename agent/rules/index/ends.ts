import { Lists } from './lists.ts';
import type { Literal, LiteralIndex, Sink } from './literal.ts';
import { follow, LIST, OWN, RUN, START, States } from './states.ts';
import { Symbols } from './symbols.ts';
import { breadthFirst, plant } from './tree.ts';

/** From a state to the number of the list of literals that are the whole text. */
const WHOLE = OWN;

/**
 * Finds the literals that a text ends with (`suffix`) or starts with
 * (`prefix`), and those that are the whole of it: a tree, walked from that end and left as
 * soon as nothing fits, which is after a few characters.
 */
export class EndIndex implements LiteralIndex {
  readonly bytes: number;
  readonly lists: readonly Int32Array[];
  readonly #symbols: Symbols;
  readonly #of: Uint16Array;
  readonly #words: Int32Array;
  readonly #denseEnd: number;
  readonly #fromEnd: boolean;
  /** Where #sparse left off. */
  #read = 0;

  constructor(literals: readonly Literal[], end: 'prefix' | 'suffix') {
    this.#fromEnd = end === 'suffix';
    const tree = plant(literals, ({ text }) => (this.#fromEnd ? reversed(text) : text));
    const symbols = new Symbols(literals.map(({ text }) => text));
    const states = new States(tree, symbols, breadthFirst(tree));
    const { words, stateOf } = states;
    const lists = new Lists();
    const listOf = (ending: readonly Literal[]) => lists.numberOf(ending.flatMap(({ atoms }) => atoms));
    for (const [node, ending] of tree.ends) {
      words[stateOf[node]! + LIST] = listOf(ending.filter(({ position }) => position !== 'equals'));
      words[stateOf[node]! + WHOLE] = listOf(ending.filter(({ position }) => position === 'equals'));
    }
    for (let node = 0; node < tree.nodes; node++) states.link(node, 0);
    this.lists = lists.all;
    this.#symbols = symbols;
    this.#of = symbols.of;
    this.#words = words;
    this.#denseEnd = states.denseEnd;
    this.bytes = words.byteLength + symbols.bytes;
  }

  scan(text: string, sink: Sink): number {
    const of = this.#of;
    const words = this.#words;
    const fromEnd = this.#fromEnd;
    const { length } = text;
    let state = START;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(fromEnd ? length - 1 - i : i);
      const next = unit < 0x80 ? words[state + of[unit]!]! : this.#step(state, unit);
      if (next > 0) state = next;
      else if (next === 0) return i + 1;
      else {
        state = ~next;
        const list = words[state + LIST]!;
        if (list !== 0) sink.found(this.lists[list]!);
        if (state >= this.#denseEnd) {
          state = this.#sparse(text, i + 1, state, sink);
          i = this.#read;
          if (state === 0) return i + 1;
        }
      }
    }
    const whole = words[state + WHOLE]!;
    if (whole !== 0) sink.found(this.lists[whole]!);
    return length;
  }

  /** Walks on from a sparse state to the next that is dense, which it returns, or 0. A function of its own keeps the other loop fast. */
  #sparse(text: string, start: number, from: number, sink: Sink): number {
    const of = this.#of;
    const words = this.#words;
    const fromEnd = this.#fromEnd;
    const { length } = text;
    let state = from;
    let i = start;
    for (; i < length; i++) {
      const unit = text.charCodeAt(fromEnd ? length - 1 - i : i);
      if (unit < 0x80 && words[state] === ~of[unit]!) {
        state += RUN;
        continue;
      }
      const next = unit < 0x80 && words[state] === of[unit] ? words[state + 1]! : this.#step(state, unit);
      if (next >= 0) {
        state = next;
        break;
      }
      state = ~next;
      const list = words[state + LIST]!;
      if (list !== 0) sink.found(this.lists[list]!);
      if (state < this.#denseEnd) break;
    }
    this.#read = i;
    return state;
  }

  #step(state: number, unit: number): number {
    const words = this.#words;
    const { ascii } = this.#symbols;
    const symbol = this.#symbols.numberOf(unit);
    const dense = state < this.#denseEnd;
    if (dense && symbol < ascii) return words[state + symbol]!;
    return follow(words, dense ? words[state + ascii]! : state, symbol);
  }
}

/** By UTF-16 unit. */
const reversed = (text: string): string => text.split('').reverse().join('');
