import { BigramFilter, LONGEST_WORD } from './bigrams.ts';
import { NAME_TRIGGERS } from './names.ts';
import type { Patterns } from './finder.ts';
import { TOOLS } from './tools.ts';

/** Bytes from which on it pays to call a native search, or to look at several parts at once. */
const LONG_BYTES = 4096;

/** Boyer, Moore and Horspool's search for one text. */
class Needle {
  readonly text: Buffer;
  /** By byte under the text's last: how far the text moves on when it is not here. */
  readonly #shift: Uint8Array;

  constructor(text: string) {
    this.text = Buffer.from(text);
    const last = this.text.length - 1;
    this.#shift = new Uint8Array(256).fill(this.text.length);
    for (let i = 0; i < last; i++) this.#shift[this.text[i]!] = last - i;
  }

  get length(): number {
    return this.text.length;
  }

  /** @returns where it begins, -1 when it is not there */
  find(memory: Buffer, from: number, end: number): number {
    if (end - from >= LONG_BYTES) {
      const at = memory.subarray(from, end).indexOf(this.text);
      return at < 0 ? at : from + at;
    }
    const shift = this.#shift;
    const last = this.text.length - 1;
    const final = this.text[last]!;
    for (let i = from + last; i < end;) {
      const byte = memory[i]!;
      if (byte === final && isAt(memory, i - last, this.text)) return i - last;
      i += shift[byte]!;
    }
    return -1;
  }
}

/**
 * Without one of these there is nothing to find. The last ones are escapes with which JSON can write an ASCII character in another way, and
 * the two letters beyond ASCII (`ſ` and the Kelvin sign) that match one when case is ignored.
 */
const FIXED = ['://', '\\u00', '\\/', '\u00c5\u00bf', '\u00e2\u0084\u00aa'];

/** A beginning is enough to look closer. Fewer states stay in the processor's nearest cache. */
const LONGEST = LONGEST_WORD;

/** Bytes of a long text for each place at which the filter may find nothing. With more such places the automaton alone is faster. */
const BYTES_A_MISS = 64;

/** The texts behind `exe` and behind `argv`. No string of JSON holds one of these texts: its quotes are escaped. */
const AFTER_EXE = '","filename":"';
const AFTER_ARGV = '],"argv_bytes":';
/** Bytes before which the longest text begins that the automaton finds. */
const OVERLAP = Math.max(AFTER_EXE.length, AFTER_ARGV.length) - 1;
/** In place of states. */
const TRIGGER = -1;
const EXE_END = -2;
const ARGV_END = -3;

const BEFORE_EXE = new Needle(',"exe":"');
const BEFORE_ARGV = new Needle('"argv":["');
const BEHIND_ARGV = new Needle(AFTER_ARGV);
/** The text behind `argv_bytes` where the event has neither `raw` nor `command_line`. */
const BEFORE_REST = Buffer.from(',"cwd":"');
/** How a line ends that has nothing behind the fields of `exec`. */
const LINE_ENDS = ['ebpf', 'etw', 'dtrace', 'eslogger', 'snapshot'].map((source) =>
  Buffer.from(`,"source":"${source}"}\n`),
);

/**
 * Fields of `exec` that are looked at in a line of the usual shape; `command` and `filename` repeat them. A line with one of `RARE` is looked at as a whole. The others
 * hold no command line. A test holds that each field is in one of the three groups.
 */
export const LOOKED_AT: readonly string[] = ['exe', 'argv'];
export const RARE: readonly string[] = [
  'argv_truncated',
  'env',
  'env_repeated',
  'env_truncated',
  'raw',
  'command_line',
  'command_source',
];

/** Tells lines that may hold a secret, by their bytes. */
export class Triggers {
  /** By byte: its column. Upper and lower case are one. */
  readonly #column = new Uint8Array(256);
  /** By state and column: the state that follows, as the place of its row, or one of the numbers above. */
  readonly #rows: Int32Array;
  /** The words that the automaton searches for, except AFTER_EXE and AFTER_ARGV. */
  readonly #words: readonly string[];
  /** Made when the first long text comes; null where there is none for these words. */
  #filter: BigramFilter | null | undefined;
  /** A pattern can be found in a line that has no trigger. */
  readonly #always: boolean;
  /** Where the last scan ended. */
  #at = 0;

  constructor({ shapes }: Pick<Patterns, 'shapes'>) {
    const literals = shapes.flatMap(({ pattern }) => pattern.literals ?? ['']).map(plainPart);
    this.#always = literals.includes('');
    const words = [...NAME_TRIGGERS, ...toolTriggers(), ...FIXED, ...literals].map((word) =>
      lowerAscii(word).slice(0, LONGEST),
    );
    const needed = [...new Set(words)].filter(
      (word, _, all) => !all.some((other) => other !== word && word.includes(other)),
    );
    this.#words = needed;
    this.#rows = build(needed, this.#column);
  }

  /** @param end behind the line feed */
  inLine(memory: Buffer, start: number, end: number): boolean {
    if (this.#always) return true;
    const exe = BEFORE_EXE.find(memory, start, end);
    const usual = exe < 0 ? undefined : this.#inUsual(memory, exe + BEFORE_EXE.length, end);
    // Without the usual fields in their order, the whole line counts.
    return usual ?? this.#inAll(memory, start, end);
  }

  /** @returns undefined when the line has not the usual shape */
  #inUsual(memory: Buffer, exe: number, end: number): boolean | undefined {
    const first = this.#scan(memory, exe, end);
    if (first !== EXE_END) return first === TRIGGER ? true : undefined;
    const argv = BEFORE_ARGV.find(memory, this.#at, end);
    if (argv < 0) return undefined;
    const second = this.#scanList(memory, argv + BEFORE_ARGV.length - 1, end);
    if (second !== ARGV_END) return second === TRIGGER ? true : undefined;
    let rest = this.#at;
    while (memory[rest]! >= 0x30 && memory[rest]! <= 0x39) rest++;
    const isUsual = isAt(memory, rest, BEFORE_REST) && LINE_ENDS.some((text) => isAt(memory, end - text.length, text));
    return isUsual ? false : undefined;
  }

  /** The same as `#scan`, of arguments: long ones with the filter. */
  #scanList(memory: Buffer, from: number, end: number): number {
    const behind = end - from < LONG_BYTES ? -1 : BEHIND_ARGV.find(memory, from, end);
    if (behind - from < LONG_BYTES) return this.#scan(memory, from, end);
    const found = this.#filtered(memory, from, behind) ?? this.#scanParts(memory, from, behind);
    return found === TRIGGER ? TRIGGER : this.#scan(memory, found === 0 ? behind : from, end);
  }

  /**
   * Looks closer only where the filter finds something. Ignores the texts behind `exe` and `argv`.
   * @param start one byte or more behind the beginning of the memory
   * @param end AFTER_ARGV begins there, so that the filter has something to read behind
   * @returns 0 when there is no trigger; undefined where the filter is of no use
   */
  #filtered(memory: Buffer, start: number, end: number): typeof TRIGGER | 0 | undefined {
    const filter = (this.#filter ??= BigramFilter.of(this.#words) ?? null);
    if (filter === null) return undefined;
    const { buffer, byteOffset } = memory;
    const pairs = new Uint16Array(buffer, 0, buffer.byteLength >>> 1);
    // Windows around the borders, too: the bytes of a word that are in one may be its last two.
    const last = ((byteOffset + end) >>> 1) + 1;
    let left = (end - start) / BYTES_A_MISS;
    for (let at = (byteOffset + start + 1) >>> 1; (at = filter.next(pairs, at, last)) !== -1; at++) {
      const window = 2 * (at - 1) - byteOffset;
      // A word begins up to one byte before its window, or behind the window's beginning.
      const found = this.#scan(memory, Math.max(start, window - 1), Math.min(end, window + 1 + LONGEST));
      if (found === TRIGGER) return TRIGGER;
      if (--left < 0) return undefined;
    }
    return 0;
  }

  #inAll(memory: Buffer, start: number, end: number): boolean {
    for (let from = start, stop: number; from < end; from = this.#at) {
      stop = this.#scan(memory, from, end);
      if (stop === TRIGGER || stop === 0) return stop === TRIGGER;
    }
    return false;
  }

  /**
   * Scans four parts side by side: each step of the automaton waits for the one before, and a processor does four of them
   * in the time of one. The parts begin early, so that a text is found that lies across their border.
   * @param end at least LONG_BYTES behind `start`; up to three bytes more are looked at
   * @returns 0 when nothing ends the scan; TRIGGER, or another of the numbers above, when something does in any part
   */
  #scanParts(memory: Uint8Array, start: number, end: number): number {
    const rows = this.#rows;
    const column = this.#column;
    const length = (end - start + 3) >>> 2;
    const border = start + length;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = border - OVERLAP; i < border; i++) {
      b = rows[b + column[memory[i]!]!]!;
      c = rows[c + column[memory[i + length]!]!]!;
      d = rows[d + column[memory[i + 2 * length]!]!]!;
      if ((b | c | d) < 0) return worst(b, c, d);
    }
    for (let i = start; i < border; i++) {
      a = rows[a + column[memory[i]!]!]!;
      b = rows[b + column[memory[i + length]!]!]!;
      c = rows[c + column[memory[i + 2 * length]!]!]!;
      d = rows[d + column[memory[i + 3 * length]!]!]!;
      if ((a | b | c | d) < 0) return worst(a, b, c, d);
    }
    return 0;
  }

  /** Goes on until something ends the scan, and says what: one of the numbers above, 0 for the end of the line. `#at` is then behind it. */
  #scan(memory: Uint8Array, from: number, end: number): number {
    const rows = this.#rows;
    const column = this.#column;
    let state = 0;
    for (let i = from; i < end; i++) {
      state = rows[state + column[memory[i]!]!]!;
      if (state >= 0) continue;
      this.#at = i + 1;
      return state;
    }
    return 0;
  }
}

/** A trigger anywhere makes the line one that may hold a secret. */
const worst = (...states: number[]): number => (states.includes(TRIGGER) ? TRIGGER : EXE_END);

/** Shorter names of programs count at the beginning of a word alone: `rar` is in `library`. */
const SHORT = 4;
/** The characters of JSON before a word: an escape ends in its letter. The dash is that of a login shell. */
const BEFORE_WORD = ['/', '"', ' ', "'", '\\\\', ';', '(', ')', '&', '|', '`', '-', '\\n', '\\t', '\\r', '\\f'];

function toolTriggers(): string[] {
  return [...TOOLS].flatMap(([name, { options }]) => {
    const after = Object.values(options).map((option) => option.after);
    // `docker login`: without the second word there is nothing to find.
    if (!after.includes(undefined)) return after as string[];
    return name.length >= SHORT ? [name] : BEFORE_WORD.map((before) => before + name);
  });
}

/** The longest part of a literal that JSON writes as it is. */
function plainPart(literal: string): string {
  return literal
    .split(/[^ !#-.0-[\]-~]+/)
    .reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

function isAt(memory: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (memory[at + i] !== text[i]) return false;
  return true;
}

/** Bytes beyond ASCII stay what they are. */
const lowerAscii = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Aho and Corasick's automaton for all words at once, with every transition written out. */
function build(words: readonly string[], column: Uint8Array): Int32Array {
  const all = [...words, AFTER_EXE, AFTER_ARGV];
  let width = 1;
  for (const byte of all.join('')) if (column[byte.charCodeAt(0)] === 0) column[byte.charCodeAt(0)] = width++;
  for (let byte = 0x41; byte <= 0x5a; byte++) column[byte] = column[byte + 0x20]!;
  const children: Map<number, number>[] = [new Map()];
  const ends: number[] = [0];
  for (const word of all) {
    let at = 0;
    for (const char of word) {
      const c = column[char.charCodeAt(0)]!;
      let next = children[at]!.get(c);
      if (next === undefined) {
        next = children.push(new Map()) - 1;
        ends.push(0);
        children[at]!.set(c, next);
      }
      at = next;
    }
    ends[at] = word === AFTER_EXE ? EXE_END : word === AFTER_ARGV ? ARGV_END : TRIGGER;
  }
  const rows = new Int32Array(children.length * width);
  const suffix = new Int32Array(children.length);
  // Breadth first: the row of a suffix is finished before it is needed.
  const queue = [0];
  for (const state of queue) {
    if (state > 0) rows.copyWithin(state * width, suffix[state]! * width, (suffix[state]! + 1) * width);
    for (const [c, child] of children[state]!) {
      const shorter = state === 0 ? 0 : rows[suffix[state]! * width + c]!;
      // A state that ends here has an answer and no successor.
      const end = ends[child] !== 0 ? ends[child]! : shorter;
      const isEnd = end < 0;
      suffix[child] = shorter < 0 ? 0 : shorter / width;
      rows[state * width + c] = isEnd ? end : child * width;
      if (!isEnd) queue.push(child);
    }
  }
  return rows;
}
