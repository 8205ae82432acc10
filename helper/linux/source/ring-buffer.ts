import type { Libc } from '../libc.ts';

/** Bits of a record's length word; BPF_RINGBUF_* in include/uapi/linux/bpf.h. */
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;
const LENGTH = 0x3fffffff;
const HEADER_BYTES = 8;

/**
 * Takes one record: `offset` into `RingBuffer.bytes`, always a multiple of 8, its length in bytes, and its `position` as
 * of `RingBuffer.position`. Answers false to be given no more for now.
 */
export type RecordHandler = (offset: number, length: number, position: number) => unknown;

/**
 * A BPF ring buffer (kernel/bpf/ringbuf.c) mapped into this process, read in
 * place. The data pages are mapped twice in a row by the kernel, so that a record
 * that wraps is still one piece of memory. Only the consumer's page is writable.
 */
export class RingBuffer {
  /** The records, valid until `release`. Two views of the same memory. */
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly #consumer: BigUint64Array;
  /** The lower half of the producer's position, which is enough: both architectures keep it first. */
  readonly #producer: Uint32Array;
  readonly #mask: number;
  /** Position in the stream of bytes, modulo 2^32: enough, since the ring is smaller. */
  #at: number;

  constructor(libc: Libc, fd: number, sizeBytes: number) {
    const page = libc.getpagesize();
    this.#consumer = new BigUint64Array(libc.map(fd, page, 0, true), 0, 1);
    const shared = libc.map(fd, page + 2 * sizeBytes, page, false);
    this.#producer = new Uint32Array(shared, 0, 1);
    this.words = new Uint32Array(shared, page);
    this.bytes = Buffer.from(shared, page, 2 * sizeBytes);
    this.#mask = sizeBytes - 1;
    this.#at = Number(BigInt.asUintN(32, Atomics.load(this.#consumer, 0)));
  }

  /** Bytes of the ring. */
  get size(): number {
    return this.#mask + 1;
  }

  /** Bytes that lie between what was taken and what the kernel has reserved. */
  get pendingBytes(): number {
    return (this.#end() - this.#at) >>> 0;
  }

  /** Where the next record begins; to be given to `release`. */
  get position(): number {
    return this.#at;
  }

  /**
   * Hands over the records that are complete, at most `limit`. Their memory stays
   * theirs until `release`. Stops before a record that is still being written.
   * @returns how many
   */
  take(limit: number, handle: RecordHandler): number {
    const { words } = this;
    const end = this.#end();
    const mask = this.#mask;
    let taken = 0;
    for (let at = this.#at; at !== end && taken < limit; this.#at = at) {
      const offset = at & mask;
      const header = Atomics.load(words, offset >>> 2);
      if ((header & BUSY) !== 0) break;
      const length = header & LENGTH;
      if ((header & DISCARDED) === 0) {
        taken++;
        if (handle(offset + HEADER_BYTES, length, at) === false) limit = 0;
      }
      at = (at + ((length + HEADER_BYTES + 7) & ~7)) >>> 0;
    }
    return taken;
  }

  /** Shows what lies in the ring without taking it. */
  scan(handle: RecordHandler): void {
    const at = this.#at;
    this.take(Number.MAX_SAFE_INTEGER, handle);
    this.#at = at;
  }

  /** Gives the memory before `position` back to the kernel. */
  release(position: number): void {
    const consumed = Atomics.load(this.#consumer, 0);
    const step = (position - Number(BigInt.asUintN(32, consumed))) >>> 0;
    if (step > 0) Atomics.store(this.#consumer, 0, consumed + BigInt(step));
  }

  #end(): number {
    return Atomics.load(this.#producer, 0);
  }
}
