import { NAME_TRIGGERS } from './names.ts';
import type { Patterns } from './finder.ts';
import { TOOLS } from './tools.ts';

/**
 * Without one of these there is nothing to find. The last ones are escapes with which JSON can write an ASCII character in another way, and
 * the two letters beyond ASCII (`ſ` and the Kelvin sign) that match one when case is ignored.
 */
const FIXED = ['://', '\\u00', '\\/', '\u00c5\u00bf', '\u00e2\u0084\u00aa'];

const TRIGGER = -1;
/** What follows `command`, and what follows `argv`. No string of JSON holds them: its quotes are escaped. */
const AFTER_COMMAND = '","timestamp":';
const AFTER_ARGV = '],"argv_bytes":';
const STOPS = [AFTER_COMMAND, AFTER_ARGV];
const COMMAND_END = -2;
const ARGV_END = -3;

/** Between `command` and this, helpers write numbers and names of theirs. */
const BEFORE_PATHS = Buffer.from(',"exe":"');
/** What follows `argv_bytes` where the event has neither `raw` nor `command_line`. */
const BEFORE_REST = Buffer.from(',"cwd":"');
/** How a line ends that has nothing behind the fields of `exec`. */
const LINE_ENDS = ['ebpf', 'etw', 'dtrace', 'eslogger', 'snapshot'].map((source) =>
  Buffer.from(`,"source":"${source}"}\n`),
);

/** Fields of `exec` in which nothing is looked for when the line has the usual shape, in the order of the protocol. A test holds it to that. */
export const PASSED_OVER = {
  from: ['timestamp', 'exe'],
  to: ['cwd', 'source'],
} as const;

/** Tells lines that may hold a secret, by their bytes. */
export class Triggers {
  /** By byte: its column. Upper and lower case are one. */
  readonly #column = new Uint8Array(256);
  /** By state and column: the state that follows, as the place of its row, or one of the negative numbers above. */
  readonly #rows: Int32Array;
  /** A pattern can be found in a line that has no trigger. */
  readonly #always: boolean;

  constructor({ shapes }: Pick<Patterns, 'shapes'>) {
    const literals = shapes.flatMap(({ pattern }) => pattern.literals ?? ['']).map(plainPart);
    this.#always = literals.includes('');
    const words = [...NAME_TRIGGERS, ...toolTriggers(), ...FIXED, ...literals];
    this.#rows = build([...new Set(words)], this.#column);
  }

  /** @param end behind the line feed */
  inLine(memory: Uint8Array, start: number, end: number): boolean {
    if (this.#always) return true;
    const rows = this.#rows;
    const column = this.#column;
    let state = 0;
    for (let i = start; i < end; i++) {
      state = rows[state + column[memory[i]!]!]!;
      if (state >= 0) continue;
      if (state === TRIGGER) return true;
      if (state === COMMAND_END) {
        const paths = find(memory, BEFORE_PATHS, i, end);
        if (paths >= 0) i = paths + BEFORE_PATHS.length - 1;
      } else {
        let rest = i + 1;
        while (memory[rest]! >= 0x30 && memory[rest]! <= 0x39) rest++;
        if (isAt(memory, rest, BEFORE_REST) && LINE_ENDS.some((text) => isAt(memory, end - text.length, text)))
          return false;
      }
      state = 0;
    }
    return false;
  }
}

/** Shorter names of programs count at the beginning of a word alone: `rar` is in `library`. */
const SHORT = 5;
/** What JSON has before a word: an escape ends in its letter. */
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

/** Boyer, Moore and Horspool's search for one text; -1 when it is not there. */
function find(memory: Uint8Array, text: Uint8Array, from: number, end: number): number {
  const last = text.length - 1;
  const final = text[last]!;
  for (let i = from; i + last < end;) {
    const byte = memory[i + last]!;
    if (byte === final && isAt(memory, i, text)) return i;
    let back = last - 1;
    while (back >= 0 && text[back] !== byte) back--;
    i += last - back;
  }
  return -1;
}

function isAt(memory: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (memory[at + i] !== text[i]) return false;
  return true;
}

/** Bytes beyond ASCII stay what they are. */
const lowerAscii = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Aho and Corasick's automaton for all words at once, with every transition written out. */
function build(words: readonly string[], column: Uint8Array): Int32Array {
  const all = [...words, ...STOPS].map(lowerAscii);
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
    ends[at] = word === AFTER_COMMAND ? COMMAND_END : word === AFTER_ARGV ? ARGV_END : TRIGGER;
  }
  const rows = new Int32Array(children.length * width);
  const suffix = new Int32Array(children.length);
  // Breadth first: the row of a suffix is finished before it is needed.
  const queue = [0];
  for (const state of queue) {
    if (state > 0) rows.copyWithin(state * width, suffix[state]! * width, (suffix[state]! + 1) * width);
    for (const [c, child] of children[state]!) {
      const shorter = state === 0 ? 0 : rows[suffix[state]! * width + c]!;
      // What ends here has an answer and no successor.
      const end = ends[child] !== 0 ? ends[child]! : shorter;
      suffix[child] = shorter < 0 ? 0 : shorter / width;
      rows[state * width + c] = end < 0 ? end : child * width;
      if (end >= 0) queue.push(child);
    }
  }
  return rows;
}
