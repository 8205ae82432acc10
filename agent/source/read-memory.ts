/**
 * More than a Unix socket holds, so that a read takes all there is and then the outputs have their turn. A read that fills its
 * memory would be followed by the next at once, and outputs fall behind.
 */
const READ_BYTES = 256 * 1024;

/** Less than this is not read into: a new piece is begun. */
const LEAST_READ_BYTES = 224 * 1024;

const SLAB_BYTES = 512 * 1024;

/**
 * Memory to read into. What was read stays where it is, for who refers to it, and is never
 * written again; a quiet machine goes a long way with one slab.
 */
export class ReadMemory {
  #slab = Buffer.alloc(0);
  #used = 0;

  /** Where the next read goes. */
  next(): Buffer {
    if (this.#slab.length - this.#used < LEAST_READ_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    return this.#slab.subarray(this.#used, this.#used + READ_BYTES);
  }

  /** What a read of so many bytes brought: the next one goes behind it. */
  taken(bytes: number): Buffer {
    const start = this.#used;
    this.#used += bytes;
    return this.#slab.subarray(start, this.#used);
  }
}
