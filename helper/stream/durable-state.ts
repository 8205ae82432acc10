/**
 * Numbers that survive the process, in memory that survives it too.
 *
 * There are two copies in the memory and a word that says which one counts.
 * `commit` fills the other copy and then turns the word, so that whenever the
 * process is killed the memory holds one whole state, the old or the new. (The
 * memory itself is not lost with a process; a crash of the machine ends the boot
 * and with it the numbering.)
 */
export class DurableState {
  /** The working copy; `commit` makes it the state. */
  readonly values: Float64Array;
  /** Whether the memory held a state of this shape already. */
  readonly restored: boolean;
  readonly #header: Int32Array;
  readonly #shape: number;
  readonly #copies: readonly [Float64Array, Float64Array];

  /** Bytes that `count` numbers take. */
  static bytesFor(count: number): number {
    return HEADER_BYTES + 2 * 8 * count;
  }

  /** The numbers that another process keeps in this memory, which may be mapped read-only; undefined for another shape. */
  static read(memory: ArrayBuffer, count: number, shape: number): Float64Array | undefined {
    const header = new Int32Array(memory, 0, 3);
    if (header[SHAPE] !== shape || header[COUNT] !== count) return undefined;
    const active = Atomics.load(header, ACTIVE) === 1 ? 1 : 0;
    return new Float64Array(memory, HEADER_BYTES + active * 8 * count, count).slice();
  }

  /** A number that changes with every commit of another process. */
  static turn(memory: ArrayBuffer): number {
    return Atomics.load(new Int32Array(memory, 0, 3), ACTIVE);
  }

  /** `shape` names the meaning of the numbers: a state of another shape is not read. */
  constructor(memory: ArrayBuffer, count: number, shape: number) {
    this.#header = new Int32Array(memory, 0, 3);
    this.#copies = [
      new Float64Array(memory, HEADER_BYTES, count),
      new Float64Array(memory, HEADER_BYTES + 8 * count, count),
    ];
    this.restored = this.#header[SHAPE] === shape && this.#header[COUNT] === count;
    this.values = new Float64Array(count);
    if (this.restored) this.values.set(this.#copies[this.#active()]);
    this.#shape = shape;
    // Until the first commit there is none: a state of another shape must not come back to life half overwritten.
    if (!this.restored) this.#header[SHAPE] = 0;
  }

  commit(): void {
    const next = this.#active() === 0 ? 1 : 0;
    this.#copies[next].set(this.values);
    Atomics.store(this.#header, ACTIVE, next);
    Atomics.store(this.#header, COUNT, this.values.length);
    Atomics.store(this.#header, SHAPE, this.#shape);
  }

  #active(): 0 | 1 {
    return Atomics.load(this.#header, ACTIVE) === 1 ? 1 : 0;
  }
}

const ACTIVE = 0;
const SHAPE = 1;
const COUNT = 2;
const HEADER_BYTES = 64;
