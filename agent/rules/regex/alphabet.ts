import type { Program } from './program.ts';
import { has, NEWLINE, WORD, type Ranges } from './ranges.ts';

/** The kind of a neighbouring character, for assertions. */
export type Kind = 'none' | 'line_feed' | 'word' | 'other';

/** Characters that no set of the expression tells apart. */
export interface CharacterClass {
  readonly kind: Kind;
  /** Any one of them. */
  readonly sample: number;
}

/**
 * The classes of a program. A line feed that ends the text is a class of its
 * own (`$` is true before it). The end is another.
 */
export class Alphabet {
  readonly classes: CharacterClass[] = [];
  /** Of the end of the text. */
  readonly end: number;
  readonly lastLineFeed: number;
  readonly #ascii = new Uint8Array(128);
  /** First code points of the intervals of one class each, and the class of each. */
  readonly #starts: number[];
  readonly #classOf: number[];

  constructor(program: Program) {
    const sets: Ranges[] = [NEWLINE, WORD];
    for (const instruction of program.code) if (instruction.op === 'set') sets.push(instruction.set);
    const distinct = [...new Map(sets.map((set) => [set.join(), set])).values()];
    this.#starts = [
      ...new Set([0, ...distinct.flatMap((set) => set.map((point, i) => (i % 2 === 0 ? point : point + 1)))]),
    ].sort((a, b) => a - b);
    const known = new Map<string, number>();
    this.#classOf = this.#starts.map((sample) => {
      const signature = distinct.map((set) => (has(set, sample) ? 1 : 0)).join('');
      const found = known.get(signature);
      if (found !== undefined) return found;
      known.set(signature, this.classes.length);
      return (
        this.classes.push({ kind: has(NEWLINE, sample) ? 'line_feed' : has(WORD, sample) ? 'word' : 'other', sample }) -
        1
      );
    });
    this.lastLineFeed = this.classes.push({ kind: 'line_feed', sample: 0x0a }) - 1;
    this.end = this.classes.push({ kind: 'none', sample: -1 }) - 1;
    for (let point = 0; point < 128; point++) this.#ascii[point] = this.#search(point);
  }

  classOf(point: number): number {
    return point < 128 ? this.#ascii[point]! : this.#search(point);
  }

  #search(point: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= point) low = middle;
      else high = middle;
    }
    return this.#classOf[low]!;
  }
}
