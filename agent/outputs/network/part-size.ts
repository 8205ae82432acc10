/** Parts that go through before a larger one is tried. */
const TAKEN_BEFORE_LARGER = 64;

/** Connections also end for other reasons: for that one, parts become no smaller than this, in bytes. */
const SMALLEST_FOR_RESET = 16 * 1024;

/**
 * How large a part may be: at most as configured, less where the receiver takes less. Without it, each batch would be sent
 * in vain once, for as long as the receiver's limit is lower than the configured one.
 */
export class PartSize {
  readonly #max: number;
  #bytes: number;
  #taken = 0;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
    this.#bytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The receiver said that so many bytes are too many. */
  tooLarge(bytes: number): void {
    this.#bytes = Math.max(1, Math.min(this.#bytes, Math.floor(bytes / 2)));
    this.#taken = 0;
  }

  /** The receiver ended the connection before it had so many bytes: perhaps since they are too many. */
  cutOff(bytes: number): void {
    if (bytes > SMALLEST_FOR_RESET) this.tooLarge(Math.max(bytes, 2 * SMALLEST_FOR_RESET));
  }

  taken(): void {
    if (this.#bytes === this.#max || ++this.#taken < TAKEN_BEFORE_LARGER) return;
    this.#taken = 0;
    this.#bytes = Math.min(this.#max, this.#bytes * 2);
  }
}
