/** The least time for one broker when others can still be asked, in milliseconds. */
const LEAST_FOR_ONE_MS = 1000;

/** Time until a deadline. */
export class Deadline {
  readonly #at: number;

  constructor(ms: number) {
    this.#at = performance.now() + ms;
  }

  /** Milliseconds, 1 at least. */
  get left(): number {
    return Math.max(1, this.#at - performance.now());
  }

  get isOver(): boolean {
    return performance.now() >= this.#at;
  }

  /** A deadline within this one, for the first of several attempts. */
  shareFor(attempts: number): Deadline {
    return new Deadline(Math.min(this.left, Math.max(LEAST_FOR_ONE_MS, this.left / attempts)));
  }
}
