const NEWLINE = 10;

/** Splits bytes into lines and passes each on whole; skips a line above the limit and reports it. */
export class BoundedLines {
  readonly #limit: number;
  readonly #onLine: (line: Buffer) => void;
  readonly #onTooLong: () => void;
  #parts: Buffer[] = [];
  #held = 0;
  #tooLong = false;

  /** @param limit bytes of a line, without its newline */
  constructor(limit: number, onLine: (line: Buffer) => void, onTooLong: () => void) {
    this.#limit = limit;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  /** The caller may reuse the bytes when it returns. */
  push(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#hold(bytes.subarray(start, end), false);
      this.#end();
      start = end + 1;
    }
    if (start < bytes.length) this.#hold(bytes.subarray(start), true);
  }

  #hold(piece: Buffer, keep: boolean): void {
    this.#held += piece.length;
    if (this.#held > this.#limit && !this.#tooLong) {
      this.#tooLong = true;
      this.#parts = [];
      this.#onTooLong();
    }
    if (!this.#tooLong) this.#parts.push(keep ? Buffer.from(piece) : piece);
  }

  #end(): void {
    const [only = Buffer.alloc(0)] = this.#parts;
    if (!this.#tooLong) this.#onLine(this.#parts.length > 1 ? Buffer.concat(this.#parts) : only);
    this.#parts = [];
    this.#held = 0;
    this.#tooLong = false;
  }
}
