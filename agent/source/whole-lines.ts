import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';

const NEWLINE = 10;

/** A line exceeded the limit before its newline. The stream cannot be read further. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
  readonly limitBytes: number;
  constructor(limitBytes: number) {
    super(`a line is longer than ${limitBytes} bytes; the stream is not the helper's`);
    this.limitBytes = limitBytes;
  }
}

/** Gets memory from `start` to `end` that holds only whole lines, including the last newline. */
type TakeLines = (memory: Buffer, start: number, end: number) => void;

/**
 * Cuts a byte stream after newlines, as rarely as possible. The bytes of one read
 * stay in one piece, except the unfinished line at their end, which is joined with
 * the following bytes. The receiver splits each piece into lines.
 */
export class WholeLines {
  readonly #take: TakeLines;
  /** A copy of the unfinished line: the chunk's memory is reused by the next read. */
  #parts: Buffer[] = [];
  #held = 0;

  constructor(take: TakeLines) {
    this.#take = take;
  }

  /** @throws {LineTooLongError} when a line exceeds the protocol's limit; also errors of `take` */
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
