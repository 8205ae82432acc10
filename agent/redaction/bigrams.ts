// A filter in front of the automaton of triggers.ts: tells where in a long text one of many words may stand. It takes two
// bytes in one step, and no step waits for the one before, as each of an automaton does.
//
// A word lies on one of two ways across the pairs of bytes of a text. For each way, the filter knows four bytes in two pairs
// that follow each other: one look at a table for each pair, and one for what follows what.

const PAIRS = 0x10000;

/** The most classes of first pairs, and of second ones, of which 0 is one: the table takes a byte for each two of them. */
export const MAX_CLASSES = 512;
const SECOND_BITS = 9;
const SECOND_MASK = MAX_CLASSES - 1;

/** The longest word, in bytes. */
export const LONGEST_WORD = 6;

/** For each way: how far behind the beginning of a word its four bytes may begin. Of equal ones the first is taken. */
const WAYS = [[0], [1, -1]] as const;

/** Four bytes; undefined where any may stand. */
type Window = readonly (number | undefined)[];

/** Finds the places at which words may stand: all at which one does, and few others. ASCII letters of either case are one. */
export class BigramFilter {
  /** By pair of bytes, the first one lower: its class as a second pair, and above it its row as a first pair. Numbers of 31 bits. */
  readonly #pairs: Int32Array;
  /** By row and class of the next pair: 1 where both are in one window. */
  readonly #follows: Uint8Array;

  private constructor(pairs: Int32Array, follows: Uint8Array) {
    this.#pairs = pairs;
    this.#follows = follows;
  }

  /**
   * @param words in lower case, a character for each byte, up to LONGEST_WORD of them
   * @returns undefined when there are too many for its tables, or one that is shorter than a pair
   */
  static of(words: readonly string[]): BigramFilter | undefined {
    if (words.some(({ length }) => length < 2)) return undefined;
    const windows = words.flatMap((word) => WAYS.map((starts) => windowOf(word, starts)));
    const firsts = new Classes(windows.map(([a, b]) => [a, b]));
    const seconds = new Classes(windows.map(([, , c, d]) => [c, d]));
    if (firsts.count > MAX_CLASSES || seconds.count > MAX_CLASSES) return undefined;
    const follows = new Uint8Array(firsts.count * seconds.count);
    for (const [a, b, c, d] of windows)
      for (const row of firsts.within(a, b))
        for (const column of seconds.within(c, d)) follows[row * seconds.count + column] = 1;
    const pairs = new Int32Array(PAIRS);
    for (let pair = 0; pair < PAIRS; pair++) {
      const low = lower(pair & 0xff);
      const high = lower(pair >>> 8);
      pairs[pair] = ((firsts.of(low, high) * seconds.count) << SECOND_BITS) | seconds.of(low, high);
    }
    return new BigramFilter(pairs, follows);
  }

  /**
   * Looks at windows whose second pair is one from `from` up to, not including, `to`, or up to three behind.
   * @param text as pairs of bytes; at least one before `from`, and three from `to` on
   * @returns the second pair of the first window in which four bytes of a word stand; -1 when there is none
   */
  next(text: Uint16Array, from: number, to: number): number {
    const pairs = this.#pairs;
    const follows = this.#follows;
    let last = pairs[text[from - 1]!]!;
    for (let i = from; i < to; i += 4) {
      const a = pairs[text[i]!]!;
      const b = pairs[text[i + 1]!]!;
      const c = pairs[text[i + 2]!]!;
      const d = pairs[text[i + 3]!]!;
      const isA = follows[(last >>> SECOND_BITS) + (a & SECOND_MASK)]!;
      const isB = follows[(a >>> SECOND_BITS) + (b & SECOND_MASK)]!;
      const isC = follows[(b >>> SECOND_BITS) + (c & SECOND_MASK)]!;
      const isD = follows[(c >>> SECOND_BITS) + (d & SECOND_MASK)]!;
      if ((isA | isB | isC | isD) !== 0) return i + (isA !== 0 ? 0 : isB !== 0 ? 1 : isC !== 0 ? 2 : 3);
      last = d;
    }
    return -1;
  }
}

/** Stands for a byte that is not known. */
const ANY = 256;

/** Pairs of bytes in classes, 0 for those in no window. Pairs of one class are in the same windows. */
class Classes {
  /** By pair, where a byte can be ANY: its class. */
  readonly #ids = new Uint16Array((ANY + 1) * (ANY + 1));
  /** How many there are. */
  readonly count: number;

  constructor(pairs: readonly Window[]) {
    const keys = new Set(pairs.map(([low, high]) => keyOf(low, high)));
    keys.delete(keyOf(undefined, undefined));
    for (const [i, key] of [...keys].entries()) this.#ids[key] = i + 1;
    this.count = keys.size + 1;
  }

  /** The class of a pair: its own, or that of the byte that is known. No window knows the other one alone. */
  of(low: number, high: number): number {
    const ids = this.#ids;
    return ids[keyOf(low, high)]! || ids[keyOf(low, undefined)]! || ids[keyOf(undefined, high)]!;
  }

  /** The classes of all pairs in which these bytes stand. */
  within(low: number | undefined, high: number | undefined): Iterable<number> {
    if (low === undefined && high === undefined) return Array(this.count).keys();
    const classes = new Set<number>();
    for (let byte = 0; byte < 256; byte++) classes.add(this.of(low ?? byte, high ?? byte));
    return classes;
  }
}

const keyOf = (low = ANY, high = ANY): number => low * (ANY + 1) + high;

/** Of the windows that begin so, the one in which most bytes are the word's. */
function windowOf(word: string, starts: readonly number[]): Window {
  const windows = starts.map((start) =>
    [0, 1, 2, 3].map((i) => (word[start + i] === undefined ? undefined : word.charCodeAt(start + i))),
  );
  const known = (window: Window) => window.filter((byte) => byte !== undefined).length;
  return windows.reduce((best, window) => (known(window) > known(best) ? window : best));
}

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
