import { isUtf8 } from 'node:buffer';
import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Gets what a file holds. `line` counts from 1. */
export interface LineTaker {
  /** Memory of one line without its newline; it is valid only during the call. `isText` is false where it is not UTF-8. */
  line(memory: Buffer, start: number, end: number, line: number, isText: boolean): void;
  /** A line that is too long was passed over. */
  tooLong(line: number): void;
  /** The file ends without a newline. Called instead of `line`. */
  unfinished(memory: Buffer, start: number, end: number, line: number, isText: boolean): void;
}

/** Splits a file into lines. Holds at most one unfinished line, of at most the length that the pipe allows. */
export class LineReader {
  readonly #taker: LineTaker;
  #line = 0;
  #parts: Buffer[] = [];
  #held = 0;
  /** Inside a line that is too long. */
  #skipping = false;

  constructor(taker: LineTaker) {
    this.#taker = taker;
  }

  push(chunk: Buffer): void {
    let start = 0;
    if (this.#held > 0 || this.#skipping) {
      start = chunk.indexOf(NEWLINE) + 1;
      if (start === 0) return this.#hold(chunk);
      this.#hold(chunk.subarray(0, start - 1));
      this.#finish();
    }
    const last = chunk.lastIndexOf(NEWLINE) + 1;
    if (last > start) this.#split(chunk, start, last);
    if (Math.max(start, last) < chunk.length) this.#hold(chunk.subarray(Math.max(start, last)));
  }

  /** The file is over. */
  end(): void {
    if (this.#held === 0 && !this.#skipping) return;
    this.#line++;
    if (this.#skipping) {
      this.#taker.tooLong(this.#line);
    } else {
      const line = Buffer.concat(this.#parts, this.#held);
      this.#taker.unfinished(line, 0, line.length, this.#line, isUtf8(line));
    }
    this.#parts = [];
    this.#held = 0;
    this.#skipping = false;
  }

  #split(memory: Buffer, start: number, end: number): void {
    const areText = isUtf8(memory.subarray(start, end));
    for (let from = start; from < end;) {
      const to = memory.indexOf(NEWLINE, from);
      this.#give(memory, from, to, areText || isUtf8(memory.subarray(from, to)));
      from = to + 1;
    }
  }

  #give(memory: Buffer, start: number, newline: number, isText: boolean): void {
    this.#line++;
    // A file that was on Windows.
    const end = newline > start && memory[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
    if (end > start) this.#taker.line(memory, start, end, this.#line, isText);
  }

  #finish(): void {
    if (this.#skipping) {
      this.#line++;
      this.#taker.tooLong(this.#line);
    } else {
      const line = Buffer.concat(this.#parts, this.#held);
      this.#give(line, 0, line.length, isUtf8(line));
    }
    this.#parts = [];
    this.#held = 0;
    this.#skipping = false;
  }

  #hold(part: Buffer): void {
    if (this.#skipping) return;
    this.#held += part.length;
    if (this.#held >= MAX_LINE_BYTES) {
      this.#skipping = true;
      this.#parts = [];
      this.#held = 0;
    } else if (part.length > 0) {
      // A copy: the memory of the chunk is used again.
      this.#parts.push(Buffer.from(part));
    }
  }
}
