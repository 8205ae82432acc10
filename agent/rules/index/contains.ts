import { Lists } from './lists.ts';
import type { Literal, LiteralIndex, Sink } from './literal.ts';
import { follow, LIST, OWN, RUN, START, States } from './states.ts';
import { Symbols } from './symbols.ts';
import { breadthFirst, depths, plant, suffixes, type Tree } from './tree.ts';

/** From a state to the state of its longest proper suffix. */
const SUFFIX = OWN;

/**
 * Finds all literals of a set anywhere in a text, in one pass: the automaton of Aho and Corasick. Dense states have every
 * transition for ASCII written out; from others, and for characters beyond ASCII, a scan goes back to shorter suffixes until one
 * has an edge.
 */
export class ContainsIndex implements LiteralIndex {
  readonly bytes: number;
  readonly lists: readonly Int32Array[];
  readonly #symbols: Symbols;
  readonly #of: Uint16Array;
  readonly #words: Int32Array;
  readonly #denseEnd: number;
  /** Steps back in this scan. */
  #back = 0;
  /** Where #sparse left off. */
  #read = 0;

  constructor(literals: readonly Literal[]) {
    const tree = plant(literals, ({ text }) => text);
    const order = breadthFirst(tree);
    const suffix = suffixes(tree, order);
    const symbols = new Symbols(literals.map(({ text }) => text));
    const states = new States(tree, symbols, byOccurrences(order, depths(tree), suffix));
    this.lists = writeHeaders(states, tree, order, suffix);
    writeTransitions(states, symbols.ascii, order);
    this.#symbols = symbols;
    this.#of = symbols.of;
    this.#words = states.words;
    this.#denseEnd = states.denseEnd;
    this.bytes = states.words.byteLength + symbols.bytes;
  }

  /**
   * Counts the characters and the steps back. Each step back makes the suffix that the state stands for shorter by a
   * character at least, and only a character of the text makes it longer, by one: there are no more steps back than characters.
   */
  scan(text: string, sink: Sink): number {
    const of = this.#of;
    const words = this.#words;
    const denseEnd = this.#denseEnd;
    const { length } = text;
    this.#back = 0;
    let state = START;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      const next = unit < 0x80 ? words[state + of[unit]!]! : this.#step(state, unit);
      if (next >= 0) state = next;
      else {
        state = ~next;
        const list = words[state + LIST]!;
        if (list !== 0) sink.found(this.lists[list]!);
        if (state >= denseEnd) {
          state = this.#sparse(text, i + 1, state, sink);
          i = this.#read;
        }
      }
    }
    return length + this.#back;
  }

  /** Scans on from a sparse state to the next that is dense, which it returns. A function of its own keeps the other loop fast. */
  #sparse(text: string, start: number, from: number, sink: Sink): number {
    const of = this.#of;
    const words = this.#words;
    const denseEnd = this.#denseEnd;
    let state = from;
    let i = start;
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i);
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
      if (state < denseEnd) break;
    }
    this.#read = i;
    return state;
  }

  /** The target of a state, or of the longest suffix that has one. */
  #step(from: number, unit: number): number {
    const words = this.#words;
    const denseEnd = this.#denseEnd;
    const { ascii } = this.#symbols;
    const symbol = this.#symbols.numberOf(unit);
    for (let state = from; ; state = words[state + SUFFIX]!) {
      const dense = state < denseEnd;
      if (dense && symbol < ascii) return words[state + symbol]!;
      const next = follow(words, dense ? words[state + ascii]! : state, symbol);
      if (next !== 0) return next;
      if (state === START) return START;
      this.#back++;
    }
  }
}

/**
 * Nodes by how often their texts are in all literals, less for longer ones: what is common there is in the texts of events, too.
 * A suffix comes before what it is a suffix of, so that the suffix of a dense state is dense.
 */
function byOccurrences(order: Int32Array, depth: Int32Array, suffix: Int32Array): Int32Array {
  const weight = new Float64Array(order.length).fill(1);
  for (let i = order.length - 1; i > 0; i--) weight[suffix[order[i]!]!]! += weight[order[i]!]!;
  for (const node of order) weight[node]! /= depth[node]! + 1;
  return order.toSorted((a, b) => weight[b]! - weight[a]!);
}

/** Literals that end at a suffix of a state end at the state, too. */
function writeHeaders(
  { words, stateOf }: States,
  { ends }: Tree<Literal>,
  order: Int32Array,
  suffix: Int32Array,
): readonly Int32Array[] {
  const lists = new Lists();
  words[START + SUFFIX] = START;
  for (const node of order.subarray(1)) {
    const state = stateOf[node]!;
    const shorter = stateOf[suffix[node]!]!;
    const inherited = words[shorter + LIST]!;
    const own = ends.get(node)?.flatMap(({ atoms }) => atoms);
    words[state + SUFFIX] = shorter;
    words[state + LIST] =
      own === undefined ? inherited : lists.numberOf([...new Set([...own, ...lists.all[inherited]!.slice(1)])]);
  }
  return lists.all;
}

/** A row begins as that of the suffix, which stands before it. */
function writeTransitions(states: States, ascii: number, order: Int32Array): void {
  const { words, stateOf, denseEnd } = states;
  for (const node of order) {
    const state = stateOf[node]!;
    const shorter = words[state + SUFFIX]!;
    if (node === 0) words.fill(START, state, state + ascii);
    else if (state < denseEnd) words.copyWithin(state, shorter, shorter + ascii);
    states.link(node, START);
  }
}
