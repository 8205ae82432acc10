import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';

const NEWLINE = 10;

/** A line passed the limit before its newline came. The stream cannot be read further. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
  readonly limitBytes: number;
  constructor(limitBytes: number) {
    super(`a line is longer than ${limitBytes} bytes; the stream is not the helper's`);
    this.limitBytes = limitBytes;
  }
}

/** Gets a piece of memory from `start` to `end` that holds whole lines and nothing else, the last newline included. */
type TakeLines = (memory: Buffer, start: number, end: number) => void;

/**
 * Cuts a byte stream after newlines, as seldom as possible. The bytes of one read
 * stay in one piece, except the unfinished line at their end, which is joined with
 * the bytes that follow. The receiver of a piece finds the lines in it.
 */
export class WholeLines {
  readonly #take: TakeLines;
  /** The unfinished line, copied: a chunk's memory is read into again. */
  #parts: Buffer[] = [];
  #held = 0;

  constructor(take: TakeLines) {
    this.#take = take;
  }

  /** @throws {LineTooLongError} when a line passes the protocol's limit; and what `take` throws */
  push(chunk: Buffer): void {
    let start = 0;
    if (this.#held > 0) {
      start = chunk.indexOf(NEWLINE) + 1;
      if (start === 0) return this.#hold(chunk);
      this.#hold(chunk.subarray(0, start));
      const line = Buffer.concat(this.#parts, this.#held);
      this.#parts = [];
      this.#held = 0;
      this.#take(line, 0, line.length);
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > start) this.#take(chunk, start, end);
    if (end < chunk.length) this.#hold(chunk.subarray(end));
  }

  #hold(part: Buffer): void {
    this.#held += part.length;
    if (this.#held > MAX_LINE_BYTES) throw new LineTooLongError(MAX_LINE_BYTES);
    this.#parts.push(Buffer.from(part));
  }
}
