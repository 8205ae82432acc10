import { backoff, type Pace } from '../backoff.ts';

/** Spacing of attempts to write to a failing output. */
const PACE: Pace = { firstMs: 250, longestMs: 15_000 };

/** The longest wait that a receiver can ask for, in milliseconds: an hour. */
const LONGEST_ASKED_MS = 3_600_000;

/** Waits between failed attempts, and can end a wait early. */
export class Retry {
  readonly #pace: Pace;
  #failures = 0;
  #wake: (() => void) | undefined;

  constructor(pace: Pace = PACE) {
    this.#pace = pace;
  }

  /** Whether the last attempt failed. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** An attempt worked: the next failure waits for the shortest time again. */
  worked(): void {
    this.#failures = 0;
  }

  /**
   * An attempt failed: waits before the next one.
   * @param afterMs the wait that the receiver asked for, if any
   */
  async wait(afterMs: number | undefined): Promise<void> {
    const own = backoff(++this.#failures, this.#pace);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(own, Math.min(afterMs ?? 0, LONGEST_ASKED_MS)));
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  /** Ends a wait now, if there is one. */
  wake(): void {
    this.#wake?.();
  }
}
