/** How long lines are remembered, in milliseconds: longer than it takes to copy a log file. */
const WINDOW_MS = 5000;

/** Bytes of lines that are remembered at most. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Lines that were written together, by how many bytes had been added before and with them. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/**
 * The lines that were written last. A program that copies a log file and then empties it (logrotate's copytruncate)
 * throws away the lines written in between, and nobody can tell how many. So the newest lines are written again.
 *
 * They lie in one ring of bytes, made when the first lines come, so that a busy output makes no garbage.
 */
export class RecentLines {
  readonly #now: () => number;
  #ring: Buffer | undefined;
  #pieces: Piece[] = [];
  /** Bytes that were ever added. */
  #added = 0;
  #forgotUntil = -Infinity;

  /** @param now milliseconds on a clock that never steps */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Remembers a copy of `lines`. */
  add(lines: Buffer): void {
    const at = this.#now();
    if (lines.length > MAX_BYTES) {
      this.forget();
      this.#forgotUntil = at + WINDOW_MS;
      return;
    }
    const ring = (this.#ring ??= Buffer.allocUnsafeSlow(MAX_BYTES));
    const place = this.#added % MAX_BYTES;
    const copied = lines.copy(ring, place);
    lines.copy(ring, 0, copied);
    this.#pieces.push({ from: this.#added, to: this.#added + lines.length, at });
    this.#added += lines.length;
    this.#prune(at);
  }

  #prune(now: number): void {
    const oldest = now - WINDOW_MS;
    let first = 0;
    for (; first < this.#pieces.length; first++) {
      const { from, at } = this.#pieces[first]!;
      const isHeld = from >= this.#added - MAX_BYTES;
      if (at >= oldest && isHeld) break;
      if (at >= oldest) this.#forgotUntil = at + WINDOW_MS;
    }
    if (first > 0) this.#pieces.splice(0, first);
  }

  /** The lines of the last seconds; and whether they are all, since there may have been more than are remembered. */
  take(): { lines: Buffer; complete: boolean } {
    this.#prune(this.#now());
    const lines = Buffer.concat(this.#pieces.flatMap((piece) => this.#partsOf(piece)));
    this.forget();
    return { lines, complete: this.#now() >= this.#forgotUntil };
  }

  /** A piece lies in one part, or in two where the ring ends within it. */
  #partsOf({ from, to }: Piece): Buffer[] {
    const start = from % MAX_BYTES;
    const end = start + to - from;
    if (end <= MAX_BYTES) return [this.#ring!.subarray(start, end)];
    return [this.#ring!.subarray(start), this.#ring!.subarray(0, end - MAX_BYTES)];
  }

  forget(): void {
    this.#pieces = [];
  }
}
