import { MAX_PROCESSORS, MAX_RECORD_BYTES } from '../../limits.ts';

const NEWLINE = 10;

/** For each kind of record of dtrace/exec.d: its count of numbers, and whether a string follows them. */
const KINDS = {
  b: [3, false],
  x: [7, true],
  p: [2, true],
  i: [9, false],
  a: [3, true],
  e: [2, false],
  f: [8, true],
  c: [2, false],
} as const;

type Kind = keyof typeof KINDS;

/** One record of dtrace/exec.d. */
export interface DtraceRecord {
  readonly kind: Kind;
  /**
   * The numbers as printed: a JavaScript number cannot hold a time in nanoseconds. The first two are processor and
   * number.
   */
  readonly numbers: readonly string[];
  /** The bytes of its string; empty for a kind that has none. Valid until the handler returns. */
  readonly text: Buffer;
}

/** The parts of the output: records, the helper's mark for another child, and invalid bytes. */
export interface RecordHandler {
  record(record: DtraceRecord): void;
  restart(): void;
  garbage(): void;
}

const HEADS: ReadonlyMap<string, RegExp> = new Map(
  Object.entries(KINDS).map(([kind, [numbers, hasText]]) => [
    kind,
    new RegExp(`${kind}((?: -?\\d{1,20}){${numbers}})${hasText ? ' (\\d{1,5}):' : '\\n'}`, 'y'),
  ]),
);
/** The longest head: at most nine numbers of 22 bytes, and a length. */
const MAX_HEAD_BYTES = 220;

/**
 * Extracts records from a stream of bytes, using the lengths that they state, so that no name and no argument can look
 * like a record. After invalid bytes it continues behind the next newline.
 */
export class RecordParser {
  readonly #handler: RecordHandler;
  #rest = Buffer.alloc(0);
  /** Whether it is inside invalid bytes whose newline has not come yet. */
  #skipping = false;

  constructor(handler: RecordHandler) {
    this.#handler = handler;
  }

  push(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    // One character a byte, so that positions in the text are positions in the bytes.
    const text = all.latin1Slice(0, all.length);
    let at = 0;
    while (at < all.length) {
      const end = this.#skipping ? undefined : this.#take(all, text, at);
      if (end === 'more') break;
      if (end !== undefined) {
        at = end;
        continue;
      }
      if (!this.#skipping) this.#handler.garbage();
      const newline = all.indexOf(NEWLINE, at);
      this.#skipping = newline === -1;
      at = newline === -1 ? all.length : newline + 1;
    }
    this.#rest = Buffer.from(all.subarray(at));
  }

  /** @returns the end of the record at `at`, `more` if it is not complete, undefined if there is none */
  #take(all: Buffer, text: string, at: number): number | 'more' | undefined {
    const kind = text[at] as string;
    if (kind === '\n') return at + 1;
    if (kind === '#') return this.#takeMark(text, at);
    const head = HEADS.get(kind);
    if (head === undefined) return undefined;
    head.lastIndex = at;
    const match = head.exec(text);
    if (match === null) return all.length - at < MAX_HEAD_BYTES && !text.includes('\n', at) ? 'more' : undefined;
    const numbers = (match[1] as string).slice(1).split(' ');
    if (!(Number(numbers[0]) >= 0 && Number(numbers[0]) < MAX_PROCESSORS && Number(numbers[1]) >= 0)) return undefined;
    const start = head.lastIndex;
    if (match[2] === undefined) {
      this.#handler.record({ kind: kind as Kind, numbers, text: all.subarray(start, start) });
      return start;
    }
    const end = start + Number(match[2]);
    if (end - at > MAX_RECORD_BYTES) return undefined;
    if (end + 2 > all.length) return 'more';
    if (text[end] !== ',' || text[end + 1] !== '\n') return undefined;
    this.#handler.record({ kind: kind as Kind, numbers, text: all.subarray(start, end) });
    return end + 2;
  }

  #takeMark(text: string, at: number): number | 'more' | undefined {
    if (at + 1 === text.length) return 'more';
    if (text[at + 1] !== '\n') return undefined;
    this.#handler.restart();
    return at + 2;
  }
}
