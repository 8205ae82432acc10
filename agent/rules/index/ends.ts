import { packList, type Literal, type LiteralIndex, type Sink } from './literal.ts';
import { Symbols } from './symbols.ts';

/**
 * Finds the literals that a text ends with (`suffix`) or starts with
 * (`prefix`), and those that are the whole of it: a tree, walked from that end and left as
 * soon as nothing fits, which is after a few characters.
 */
export class EndIndex implements LiteralIndex {
  readonly bytes: number;
  readonly #symbols: Uint16Array;
  readonly #rows: Int32Array;
  readonly #width: number;
  readonly #fromEnd: boolean;
  /** By state: atoms of literals that end here, and of those that are the whole text. */
  readonly #partial: readonly (Int32Array | undefined)[];
  readonly #whole: readonly (Int32Array | undefined)[];

  constructor(literals: readonly Literal[], end: 'prefix' | 'suffix') {
    const symbols = new Symbols();
    for (const { text } of literals) symbols.add(text);
    const width = symbols.count;
    const most = literals.reduce((sum, l) => sum + l.text.length, 1);
    const rows = new Int32Array(most * width);
    const partial: number[][] = [[]];
    const whole: number[][] = [[]];
    let states = 1;
    for (const { text, position, atoms } of literals) {
      let state = 0;
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(end === 'suffix' ? text.length - 1 - i : i);
        const cell = state * width + symbols.of[unit]!;
        if (rows[cell] === 0) {
          rows[cell] = states++;
          partial.push([]);
          whole.push([]);
        }
        state = rows[cell]!;
      }
      (position === 'equals' ? whole : partial)[state]!.push(...atoms);
    }
    const pack = (lists: number[][]) => lists.map((list) => (list.length === 0 ? undefined : packList(list)));
    this.#symbols = symbols.of;
    this.#rows = rows.slice(0, states * width);
    this.#width = width;
    this.#fromEnd = end === 'suffix';
    this.#partial = pack(partial);
    this.#whole = pack(whole);
    this.bytes = this.#rows.byteLength + symbols.of.byteLength;
  }

  scan(text: string, sink: Sink): void {
    const symbols = this.#symbols;
    const rows = this.#rows;
    const { length } = text;
    let state = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(this.#fromEnd ? length - 1 - i : i);
      state = rows[state * this.#width + symbols[unit]!]!;
      if (state === 0) return;
      const partial = this.#partial[state];
      if (partial !== undefined) sink.found(partial);
    }
    const whole = this.#whole[state];
    if (whole !== undefined) sink.found(whole);
  }
}
