import { caseVariants, FOLD } from '../value/fold.ts';
import { packList, type Literal, type LiteralIndex, type Sink } from './literal.ts';
import { Symbols } from './symbols.ts';

const isAscii = (unit: number) => unit < 0x80;

/**
 * Finds the literals that a text ends with (`suffix`) or starts with
 * (`prefix`), and those that are the whole of it: a tree, walked from that end and left as
 * soon as nothing fits, which is after a few characters. Characters beyond ASCII are looked up in a map.
 */
export class EndIndex implements LiteralIndex {
  readonly bytes: number;
  readonly lists: readonly Int32Array[];
  readonly #symbols: Uint16Array;
  readonly #rows: Int32Array;
  /** Symbols of ASCII, and the number of those beyond. */
  readonly #width: number;
  /** By state × 65,536 + folded unit. */
  readonly #rare = new Map<number, number>();
  readonly #fromEnd: boolean;
  /** By state: atoms of literals that end here, and of those that are the whole text. */
  readonly #partial: readonly (Int32Array | undefined)[];
  readonly #whole: readonly (Int32Array | undefined)[];

  constructor(literals: readonly Literal[], end: 'prefix' | 'suffix') {
    const symbols = new Symbols();
    for (const { text } of literals) symbols.add(text, isAscii);
    const width = symbols.count;
    const most = literals.reduce((sum, l) => sum + l.text.length, 1);
    const rows = new Int32Array(most * width);
    const partial: (number[] | undefined)[] = [undefined];
    const whole: (number[] | undefined)[] = [undefined];
    let states = 1;
    const child = (state: number, unit: number): number => {
      const known = isAscii(unit)
        ? rows[state * width + symbols.of[unit]!]!
        : (this.#rare.get(state * 0x10000 + unit) ?? 0);
      if (known !== 0) return known;
      if (isAscii(unit)) rows[state * width + symbols.of[unit]!] = states;
      else this.#rare.set(state * 0x10000 + unit, states);
      partial.push(undefined);
      whole.push(undefined);
      return states++;
    };
    for (const { text, position, atoms } of literals) {
      let state = 0;
      for (let i = 0; i < text.length; i++)
        state = child(state, text.charCodeAt(end === 'suffix' ? text.length - 1 - i : i));
      const lists = position === 'equals' ? whole : partial;
      lists[state] = [...(lists[state] ?? []), ...atoms];
    }
    for (const { text } of literals) markRare(symbols.of, text, width);
    const pack = (lists: readonly (number[] | undefined)[]) =>
      lists.map((list) => (list === undefined ? undefined : packList(list)));
    this.#symbols = symbols.of;
    this.#rows = rows.slice(0, states * width);
    this.#width = width;
    this.#fromEnd = end === 'suffix';
    this.#partial = pack(partial);
    this.#whole = pack(whole);
    this.lists = [...this.#partial, ...this.#whole].filter((list) => list !== undefined);
    this.bytes = this.#rows.byteLength + symbols.of.byteLength;
  }

  scan(text: string, sink: Sink): number {
    const symbols = this.#symbols;
    const rows = this.#rows;
    const width = this.#width;
    const { length } = text;
    let state = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(this.#fromEnd ? length - 1 - i : i);
      const symbol = symbols[unit]!;
      state = symbol === width ? (this.#rare.get(state * 0x10000 + FOLD[unit]!) ?? 0) : rows[state * width + symbol]!;
      if (state === 0) return i + 1;
      const partial = this.#partial[state];
      if (partial !== undefined) sink.found(partial);
    }
    const whole = this.#whole[state];
    if (whole !== undefined) sink.found(whole);
    return length;
  }
}

function markRare(symbols: Uint16Array, text: string, number: number): void {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (!isAscii(unit)) for (const variant of caseVariants(unit)) symbols[variant] = number;
  }
}
