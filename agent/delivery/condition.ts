import { STUCK_AFTER_MS } from '../outputs/output.ts';

/** The newest failure of an output. */
export interface LastError {
  readonly reason: string;
  readonly time: Date;
}

/** How an output is: up or down, stuck or at work, and its newest failure. Times are on the clock of `performance.now`. */
export class Condition {
  readonly #stuckAfterMs: number;
  readonly #now: () => Date;
  /** Since when it is not open or fails. */
  #downSince: number | undefined = performance.now();
  #lastError: LastError | undefined;
  /** Since when its current step takes. */
  #stepSince: number | undefined;

  /** @param stuckAfterMs how long a step may take without an answer */
  constructor(stuckAfterMs: number = STUCK_AFTER_MS, now: () => Date = () => new Date()) {
    this.#stuckAfterMs = stuckAfterMs;
    this.#now = now;
  }

  get lastError(): LastError | undefined {
    return this.#lastError;
  }

  /** It is open, and its last attempt worked. */
  up(): void {
    this.#downSince = undefined;
  }

  /** An attempt failed. */
  failed(reason: string): void {
    this.#downSince ??= performance.now();
    this.refused(reason);
  }

  /** It works, and refuses records. */
  refused(reason: string): void {
    this.#lastError = { reason, time: this.#now() };
  }

  /** Milliseconds since it was up; 0 while it is. */
  downMs(now: number): number {
    return this.#downSince === undefined ? 0 : now - this.#downSince;
  }

  /** Waits for a step of the output, which is stuck when it takes too long. */
  async during<T>(step: Promise<T>): Promise<T> {
    this.#stepSince = performance.now();
    try {
      return await step;
    } finally {
      this.#stepSince = undefined;
    }
  }

  /**
   * Milliseconds that the current step has taken, when that is so long that it hangs; else 0.
   * @param workedOnAt when a part of the batch was answered last
   */
  stuckMs(now: number, workedOnAt = 0): number {
    if (this.#stepSince === undefined) return 0;
    const quietMs = now - Math.max(this.#stepSince, workedOnAt);
    return quietMs >= this.#stuckAfterMs ? quietMs : 0;
  }
}
