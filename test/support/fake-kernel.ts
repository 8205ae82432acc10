import type { Libc } from '../../helper/linux/libc.ts';

const PAGE = 4096;
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;
const KINDS = 5;
const COUNTER_BYTES = 64;

/** Descriptors that `libc.map` of the fake kernel knows. */
export const RING_FD = 100;
export const COUNTERS_FD = 101;

export interface FakeKernelOptions {
  ringBytes?: number;
  cpus?: number;
  /** Where both positions of the ring begin. */
  position?: bigint;
}

/** Where a record lies that was reserved and is still being written. */
export interface Reservation {
  readonly at: bigint;
  readonly length: number;
}

/**
 * The kernel's side of a BPF ring buffer and of the probe's counters, in plain
 * memory, with the rules of kernel/bpf/ringbuf.c: what has no room is refused.
 */
export class FakeKernel {
  readonly ringBytes: number;
  readonly cpus: number;
  readonly libc: Libc;
  boot = { seconds: 8000, nanoseconds: 0 };
  wall = { seconds: 1_678_878_698, nanoseconds: 0 };
  readonly #consumerPage = new ArrayBuffer(PAGE);
  readonly #producerPages: ArrayBuffer;
  readonly #counterPages: ArrayBuffer;
  readonly #consumer = new BigUint64Array(this.#consumerPage, 0, 1);
  readonly #producer: BigUint64Array;
  readonly #data: Buffer;
  readonly #counters: BigUint64Array;

  constructor({ ringBytes = 65536, cpus = 2, position = 0n }: FakeKernelOptions = {}) {
    this.ringBytes = ringBytes;
    this.cpus = cpus;
    this.#producerPages = new ArrayBuffer(PAGE + 2 * ringBytes);
    this.#producer = new BigUint64Array(this.#producerPages, 0, 1);
    this.#data = Buffer.from(this.#producerPages, PAGE);
    this.#counterPages = new ArrayBuffer(Math.ceil((cpus * KINDS * COUNTER_BYTES) / PAGE) * PAGE);
    this.#counters = new BigUint64Array(this.#counterPages);
    this.#consumer[0] = position;
    this.#producer[0] = position;
    this.libc = {
      getpagesize: () => PAGE,
      map: (fd: number, bytes: number, offset: number, writable: boolean) => this.#map(fd, bytes, offset, writable),
      clock: (id: number) => (id === 0 ? this.wall : this.boot),
    } as unknown as Libc;
  }

  get producerPosition(): bigint {
    return this.#producer[0] as bigint;
  }

  get consumerPosition(): bigint {
    return this.#consumer[0] as bigint;
  }

  /** Undefined when the ring has no room. */
  reserve(length: number): Reservation | undefined {
    const at = this.producerPosition;
    const next = at + BigInt(footprint(length));
    if (next - this.consumerPosition > BigInt(this.ringBytes - 1)) return undefined;
    this.#header(at, (BUSY | length) >>> 0);
    this.#producer[0] = next;
    return { at, length };
  }

  submit({ at, length }: Reservation, record: Uint8Array): void {
    for (const [i, byte] of record.entries()) this.#byte(at + 8n + BigInt(i), byte);
    this.#header(at, length);
  }

  discard({ at, length }: Reservation): void {
    this.#header(at, (DISCARDED | length) >>> 0);
  }

  /** Reserves and submits at once. False when there is no room. */
  output(record: Uint8Array): boolean {
    const reservation = this.reserve(record.length);
    if (reservation !== undefined) this.submit(reservation, record);
    return reservation !== undefined;
  }

  count(counter: number, field: keyof typeof FIELDS): number {
    return Number(this.#counters[counter * 8 + FIELDS[field]]);
  }

  /** Adds one; answers what it was before. */
  increment(counter: number, field: keyof typeof FIELDS): number {
    const before = this.count(counter, field);
    this.#counters[counter * 8 + FIELDS[field]] = BigInt(before + 1);
    return before;
  }

  #header(at: bigint, word: number): void {
    for (let i = 0; i < 4; i++) this.#byte(at + BigInt(i), (word >>> (8 * i)) & 0xff);
  }

  /** The kernel maps the data twice in a row. */
  #byte(at: bigint, value: number): void {
    const offset = Number(at % BigInt(this.ringBytes));
    this.#data[offset] = value;
    this.#data[offset + this.ringBytes] = value;
  }

  #map(fd: number, bytes: number, offset: number, writable: boolean): ArrayBuffer {
    const found = [
      { memory: this.#consumerPage, ok: fd === RING_FD && offset === 0 && writable },
      { memory: this.#producerPages, ok: fd === RING_FD && offset === PAGE && !writable },
      { memory: this.#counterPages, ok: fd === COUNTERS_FD && offset === 0 && !writable },
    ].find(({ memory, ok }) => ok && memory.byteLength === bytes);
    if (found === undefined) throw new Error(`mmap refused: fd ${fd}, ${bytes} bytes at ${offset}`);
    return found.memory;
  }
}

const FIELDS = { events: 0, lost: 1, cut: 2, recovered: 4 } as const;

function footprint(length: number): number {
  return (length + 8 + 7) & ~7;
}
