/** How long lines are remembered, in milliseconds: longer than it takes to copy a log file. */
const WINDOW_MS = 5000;

/** Bytes of lines that are remembered at most. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The lines that were written last. A program that copies a log file and then empties it (logrotate's copytruncate)
 * throws away what was written in between, and nobody can tell how much: so these are written again.
 */
export class RecentLines {
  readonly #now: () => number;
  #pieces: Array<{ readonly lines: Buffer; readonly at: number }> = [];
  #bytes = 0;
  #forgotUntil = -Infinity;

  /** @param now milliseconds on a clock that never steps */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Remembers a copy of `lines`. */
  add(lines: Buffer): void {
    this.#pieces.push({ lines: Buffer.from(lines), at: this.#now() });
    this.#bytes += lines.length;
    this.#prune();
  }

  #prune(): void {
    const oldest = this.#now() - WINDOW_MS;
    let first = 0;
    for (; first < this.#pieces.length; first++) {
      const { lines, at } = this.#pieces[first]!;
      if (at >= oldest && this.#bytes <= MAX_BYTES) break;
      if (at >= oldest) this.#forgotUntil = at + WINDOW_MS;
      this.#bytes -= lines.length;
    }
    this.#pieces.splice(0, first);
  }

  /** The lines of the last seconds; and whether they are all, since there may have been more than are remembered. */
  take(): { lines: Buffer; complete: boolean } {
    this.#prune();
    const lines = Buffer.concat(this.#pieces.map((piece) => piece.lines));
    this.forget();
    return { lines, complete: this.#now() >= this.#forgotUntil };
  }

  forget(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }
}
