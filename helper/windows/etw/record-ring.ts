/** The kinds of records in the ring. */
export const RECORD = { kernelProcess: 1, classicProcess: 2 } as const;
type RecordKind = (typeof RECORD)[keyof typeof RECORD];

/** An event of the session in the ring; the payload is valid until the reader moves on. */
export interface RingRecord {
  readonly kind: number;
  readonly version: number;
  /** FILETIME of the event. */
  readonly time: bigint;
  readonly payload: Buffer;
}

const HEAD = 0;
const TAIL = 1;
const STARTS = 2;
const DROPPED = 3;
const CONTROL_BYTES = 64;

/**
 * The header of a record: total bytes (u32), kind (u8), version (u8), two unused, bytes of payload (u32), four unused,
 * time (u64).
 */
const RECORD_BYTES = 24;
const SKIP = 0;

const aligned = (bytes: number): number => (bytes + 7) & ~7;

/**
 * A ring of records in memory that two threads share: the thread in which Windows delivers events writes, the main
 * thread reads. Only `push` waits for the other thread, for a bounded time.
 */
export class RecordRing {
  readonly #control: Int32Array;
  readonly #bytes: Buffer;

  static allocate(bytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(CONTROL_BYTES + aligned(bytes));
  }

  constructor(memory: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#bytes = Buffer.from(memory, CONTROL_BYTES);
  }

  /** Process starts that reached the writer, including dropped ones. Modulo 2^32. */
  get starts(): number {
    return Atomics.load(this.#control, STARTS) >>> 0;
  }

  /** The number of those that found no room. Modulo 2^32. */
  get dropped(): number {
    return Atomics.load(this.#control, DROPPED) >>> 0;
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#control, HEAD) === Atomics.load(this.#control, TAIL);
  }

  /** The used part of the ring, from 0 to 1. */
  get fill(): number {
    const size = this.#bytes.length;
    return ((Atomics.load(this.#control, HEAD) - Atomics.load(this.#control, TAIL) + size) % size) / size;
  }

  /**
   * Writer: copies one event into the ring, waiting at most `waitMs` for room. Counts process starts first, so that
   * none can be lost unnoticed.
   */
  push(kind: RecordKind, version: number, time: bigint, payload: Uint8Array, waitMs: number): void {
    const isStart = kind === RECORD.kernelProcess;
    if (isStart) Atomics.add(this.#control, STARTS, 1);
    const bytes = aligned(RECORD_BYTES + payload.length);
    const at = this.#reserve(bytes, waitMs);
    if (at === undefined) {
      if (isStart) Atomics.add(this.#control, DROPPED, 1);
      return;
    }
    this.#bytes.writeUInt32LE(bytes, at);
    this.#bytes[at + 4] = kind;
    this.#bytes[at + 5] = version;
    this.#bytes.writeUInt32LE(payload.length, at + 8);
    this.#bytes.writeBigUInt64LE(time, at + 16);
    this.#bytes.set(payload, at + RECORD_BYTES);
    Atomics.store(this.#control, HEAD, (at + bytes) % this.#bytes.length);
  }

  /** Reader: takes up to `most` records, oldest first. @returns how many there were */
  take(most: number, each: (record: RingRecord) => void): number {
    let taken = 0;
    while (taken < most) {
      const tail = Atomics.load(this.#control, TAIL);
      if (tail === Atomics.load(this.#control, HEAD)) break;
      const bytes = this.#bytes.readUInt32LE(tail);
      const kind = this.#bytes[tail + 4] as number;
      if (kind !== SKIP) {
        const payload = this.#bytes.subarray(
          tail + RECORD_BYTES,
          tail + RECORD_BYTES + this.#bytes.readUInt32LE(tail + 8),
        );
        each({ kind, version: this.#bytes[tail + 5] as number, time: this.#bytes.readBigUInt64LE(tail + 16), payload });
        taken++;
      }
      Atomics.store(this.#control, TAIL, (tail + bytes) % this.#bytes.length);
      Atomics.notify(this.#control, TAIL);
    }
    return taken;
  }

  /** The position of the next record, which is contiguous; undefined if there is no room in time. */
  #reserve(bytes: number, waitMs: number): number | undefined {
    const size = this.#bytes.length;
    if (bytes > size / 2) return undefined;
    const deadline = performance.now() + waitMs;
    for (;;) {
      const head = Atomics.load(this.#control, HEAD);
      const tail = Atomics.load(this.#control, TAIL);
      // The head never reaches the tail from behind: equal means empty.
      if (head >= tail) {
        if (head + bytes < size || (head + bytes === size && tail > 0)) return head;
        if (bytes < tail) return this.#wrap(head);
      } else if (head + bytes < tail) return head;
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      Atomics.wait(this.#control, TAIL, tail, left);
    }
  }

  /** Marks the rest at the end as skipped; the record goes to the beginning. */
  #wrap(head: number): number {
    this.#bytes.writeUInt32LE(this.#bytes.length - head, head);
    this.#bytes[head + 4] = SKIP;
    Atomics.store(this.#control, HEAD, 0);
    return 0;
  }
}
