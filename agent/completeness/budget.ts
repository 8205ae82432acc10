/** The input needs more memory than `verify` may take. */
export class TooMuchError extends Error {
  override readonly name = 'TooMuchError';
}

const MIB = 1024 * 1024;

/** Memory that one run of `verify` may take for what it remembers about its input. */
const MEMORY_BYTES = 512 * MIB;

/** About what each thing costs, in bytes, with the engine's own overhead. Measured by a test. */
export const COST = { stream: 2048, tail: 1024, underSeal: 320, block: 256, seal: 768, gap: 160, line: 64 } as const;

/** Counts the memory that is taken. Nothing is given back: all is needed until the judgement. */
export class Budget {
  readonly #limit: number;
  #taken = 0;

  constructor(limit: number = MEMORY_BYTES) {
    this.#limit = limit;
  }

  /** @throws {TooMuchError} when nothing is left */
  take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken <= this.#limit) return;
    throw new TooMuchError(
      `the input needs more than ${Math.floor(this.#limit / MIB)} MiB of memory; split it by host or boot, and verify each part alone`,
    );
  }
}
