import type { Piece } from '../value/pieces.ts';
import { DASH, DASHES, ONE } from '../value/tokens.ts';

/**
 * Searches for a piece with `?` or dashes in it, where trying every place takes the product of both lengths. The
 * method of Baeza-Yates and Gonnet: one bit for each beginning of the piece that fits what was just read. Counts in code points, as `?` does.
 */
export class Chain {
  readonly #length: number;
  readonly #words: number;
  /** By code point: the places of the piece that take it. */
  readonly #takes = new Map<number, Int32Array>();
  /** The places that take any other. */
  readonly #others: Int32Array;

  constructor(piece: Piece) {
    const sets = piece.flatMap((token): (readonly number[] | undefined)[] => {
      if (token === ONE) return [undefined];
      return token === DASH ? [DASHES.map(pointOf)] : [...token].map((c) => [pointOf(c)]);
    });
    this.#length = sets.length;
    this.#words = (sets.length + 31) >>> 5;
    this.#others = new Int32Array(this.#words);
    for (const [i, set] of sets.entries()) if (set === undefined) this.#others[i >>> 5]! |= 1 << (i & 31);
    for (const point of new Set(sets.flatMap((set) => set ?? []))) {
      const takes = this.#others.slice();
      for (const [i, set] of sets.entries()) if (set?.includes(point) === true) takes[i >>> 5]! |= 1 << (i & 31);
      this.#takes.set(point, takes);
    }
  }

  /** Where the first occurrence from `from` on ends, or -1. */
  endOfFirst(text: string, from: number): number {
    const words = this.#words;
    const fits = new Int32Array(words);
    const last = this.#length - 1;
    for (let at = from; at < text.length;) {
      const point = text.codePointAt(at)!;
      at += point > 0xffff ? 2 : 1;
      const takes = this.#takes.get(point) ?? this.#others;
      let carry = 1;
      for (let w = 0; w < words; w++) {
        const before = fits[w]!;
        fits[w] = ((before << 1) | carry) & takes[w]!;
        carry = before >>> 31;
      }
      if ((fits[last >>> 5]! >>> (last & 31)) & 1) return at;
    }
    return -1;
  }
}

const pointOf = (c: string): number => c.codePointAt(0)!;
