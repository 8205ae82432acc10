/** The least room that is made, in bytes. */
const FIRST_ROOM = 4096;

/**
 * Pieces of a reply, side by side in one memory. A receiver decides how small pieces are, and an object for each byte takes
 * hundreds of bytes: kept in a list, a reply of 10 MB in pieces of one byte took 4 GB. This takes twice what was added at most, and
 * 4 KiB.
 */
export class Gathered {
  #memory: Buffer = Buffer.alloc(0);
  #length = 0;

  /** Bytes that were added. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that are held for them. */
  get room(): number {
    return this.#memory.length;
  }

  /** The bytes added so far. Valid until the next call of `add` or `clear`. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  /** Adds a piece. It is copied. */
  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#memory.length) {
      const memory = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#memory.length, FIRST_ROOM));
      this.bytes.copy(memory);
      this.#memory = memory;
    }
    this.#memory.set(piece, this.#length);
    this.#length = length;
  }

  /** Begins anew, with other memory: what `bytes` gave stays as it is. */
  clear(): void {
    this.#memory = Buffer.alloc(0);
    this.#length = 0;
  }
}
