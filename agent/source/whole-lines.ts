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

/** Kept while a connection lasts. A longer unfinished line gets more, up to its limit and one read, for as long as it takes. */
const KEPT_BYTES = 2 * 1024 * 1024;

/**
 * Cuts a byte stream after newlines, as rarely as possible: everything that one read completes is one piece, which the
 * receiver splits into lines.
 *
 * It owns the memory that is read into. Each read goes behind the unfinished line of the reads before, so that a long
 * line comes together where it lies, without a copy. Usually nothing is unfinished, and all reads go to the front of the
 * memory, which is in the processor's caches.
 */
export class WholeLines {
  readonly #take: TakeLines;
  #memory = Buffer.alloc(0);
  /** The unfinished line. */
  #start = 0;
  #end = 0;

  constructor(take: TakeLines) {
    this.#take = take;
  }

  /**
   * The memory for the next read: at least `least` bytes. Valid until the next call; pieces that were taken before are
   * no longer valid then.
   */
  room(least: number): Buffer {
    const held = this.#end - this.#start;
    if (held === 0) {
      this.#start = this.#end = 0;
      // Twice as much: half for an unfinished line. The system provides only what is used.
      if (this.#memory.length < least || this.#memory.length > KEPT_BYTES)
        this.#memory = Buffer.allocUnsafeSlow(2 * least);
    } else if (this.#memory.length - this.#end < least) {
      const before = this.#memory;
      if (before.length - held < least)
        this.#memory = Buffer.allocUnsafeSlow(Math.min(2 * before.length, MAX_LINE_BYTES) + least);
      before.copy(this.#memory, 0, this.#start, this.#end);
      this.#start = 0;
      this.#end = held;
    }
    return this.#memory.subarray(this.#end);
  }

  /**
   * Takes the first `bytes` bytes of `room`.
   * @throws {LineTooLongError} when a line exceeds the protocol's limit; also errors of `take`
   */
  push(bytes: number): void {
    const memory = this.#memory;
    const start = this.#start;
    const from = this.#end;
    const end = from + bytes;
    this.#end = end;
    // Only what is new can hold newlines.
    const next = from + memory.subarray(from, end).lastIndexOf(NEWLINE) + 1;
    if (next > from) {
      if (from > start) this.#requireShort(memory.indexOf(NEWLINE, from) + 1 - start);
      this.#start = next;
      this.#take(memory, start, next);
    }
    this.#requireShort(end - this.#start);
  }

  /** The same of bytes that were read into other memory: copies them. */
  add(chunk: Buffer): void {
    chunk.copy(this.room(chunk.length));
    this.push(chunk.length);
  }

  #requireShort(bytes: number): void {
    if (bytes > MAX_LINE_BYTES) throw new LineTooLongError(MAX_LINE_BYTES);
  }
}
