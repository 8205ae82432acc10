import { LineTooLongError } from '../../agent/source/whole-lines.ts';
import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';

const NEWLINE = 10;

/**
 * Cuts a byte stream into lines. Holds at most one unfinished line of
 * `limitBytes`; the bytes of chunks pushed earlier are kept by reference until
 * their line ends, so the caller must not reuse a chunk's memory.
 */
export class LineSplitter {
  readonly #limitBytes: number;
  #parts: Uint8Array[] = [];
  #held = 0;

  constructor(limitBytes: number = MAX_LINE_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes of the unfinished line at the end of what was pushed so far. */
  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Yields each line that `chunk` completes, without its newline.
   * @throws {LineTooLongError} when a line passes the limit
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, void> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#check(end - start);
      const tail = chunk.subarray(start, end);
      start = end + 1;
      yield this.#held === 0 ? tail : this.#join(tail);
    }
    if (start < chunk.length) {
      this.#check(chunk.length - start);
      this.#parts.push(chunk.subarray(start));
      this.#held += chunk.length - start;
    }
  }

  #check(more: number): void {
    if (this.#held + more >= this.#limitBytes) throw new LineTooLongError(this.#limitBytes);
  }

  #join(tail: Uint8Array): Uint8Array {
    const line = new Uint8Array(this.#held + tail.length);
    let at = 0;
    for (const part of this.#parts) {
      line.set(part, at);
      at += part.length;
    }
    line.set(tail, at);
    this.#parts = [];
    this.#held = 0;
    return line;
  }
}
