import type { Literal, LiteralIndex, Sink } from './literal.ts';
import { Symbols } from './symbols.ts';

/**
 * Finds all literals of a set anywhere in a text, in one pass: the automaton
 * of Aho and Corasick with every transition written out. A state is the offset of its row; a
 * negative entry is the complement of a state where literals end. The column after the symbols numbers its atoms.
 */
export class ContainsIndex implements LiteralIndex {
  readonly bytes: number;
  readonly #symbols: Uint8Array | Uint16Array;
  readonly #rows: Int32Array;
  readonly #output: number;
  readonly #lists: Int32Array[];

  constructor(literals: readonly Literal[]) {
    const symbols = new Symbols(literals.map((l) => l.text));
    const { rows, lists } = build(literals, symbols);
    this.#symbols = symbols.of;
    this.#rows = rows;
    this.#output = symbols.count;
    this.#lists = lists;
    this.bytes = rows.byteLength + symbols.of.byteLength;
  }

  scan(text: string, sink: Sink): void {
    const symbols = this.#symbols;
    const rows = this.#rows;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      state = rows[state + symbols[text.charCodeAt(i)]!]!;
      if (state < 0) {
        state = ~state;
        sink.found(this.#lists[rows[state + this.#output]!]!);
      }
    }
  }
}

function build(literals: readonly Literal[], symbols: Symbols): { rows: Int32Array; lists: Int32Array[] } {
  const width = symbols.count + 1;
  const most = literals.reduce((sum, l) => sum + l.text.length, 1);
  const rows = new Int32Array(most * width);
  const own: number[][] = [[]];
  let states = 1;
  for (const { text, atoms } of literals) {
    let row = 0;
    for (let i = 0; i < text.length; i++) {
      const cell = row + symbols.of[text.charCodeAt(i)]!;
      if (rows[cell] === 0) {
        rows[cell] = states++ * width;
        own.push([]);
      }
      row = rows[cell]!;
    }
    own[row / width]!.push(...atoms);
  }
  const lists = complete(rows, own, states, symbols.count, width);
  return { rows: rows.slice(0, states * width), lists };
}

/** Adds the transitions to shorter suffixes, breadth first, and what ends there; then marks the states with output. */
function complete(rows: Int32Array, atoms: number[][], states: number, symbols: number, width: number): Int32Array[] {
  const suffix = new Int32Array(states);
  const order = new Int32Array(states);
  let end = 1;
  for (let next = 0; next < end; next++) {
    const state = order[next]!;
    const row = state * width;
    const fallback = suffix[state]! * width;
    for (let symbol = 0; symbol < symbols; symbol++) {
      const child = rows[row + symbol]!;
      if (child === 0) {
        if (state !== 0) rows[row + symbol] = rows[fallback + symbol]!;
        continue;
      }
      const id = child / width;
      suffix[id] = state === 0 ? 0 : rows[fallback + symbol]! / width;
      const inherited = atoms[suffix[id]!]!;
      if (inherited.length > 0) atoms[id] = [...new Set([...atoms[id]!, ...inherited])];
      order[end++] = id;
    }
  }
  return mark(rows, atoms, states, symbols, width);
}

function mark(rows: Int32Array, atoms: number[][], states: number, symbols: number, width: number): Int32Array[] {
  const lists: Int32Array[] = [];
  const known = new Map<string, number>();
  for (let state = 0; state < states; state++) {
    const list = atoms[state]!;
    if (list.length === 0) continue;
    const name = list.join();
    let number = known.get(name);
    if (number === undefined) {
      number = lists.push(Int32Array.from(list)) - 1;
      known.set(name, number);
    }
    rows[state * width + symbols] = number;
  }
  for (let state = 0; state < states; state++) {
    for (let cell = state * width; cell < state * width + symbols; cell++) {
      const target = rows[cell]!;
      if (atoms[target / width]!.length > 0) rows[cell] = ~target;
    }
  }
  return lists;
}
