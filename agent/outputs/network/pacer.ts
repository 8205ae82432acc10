import { setTimeout as delay } from 'node:timers/promises';

/** The longest wait after which it says that it goes on waiting, in milliseconds. */
const PULSE_MS = 60_000;

/** Holds sends back, so that no more than so many records a second go out. */
export class Pacer {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<unknown>;
  #nextAt = 0;

  /** @param now milliseconds on a clock that never steps */
  constructor(
    perSecond: number,
    now: () => number = () => performance.now(),
    sleep: (ms: number) => Promise<unknown> = delay,
  ) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#sleep = sleep;
  }

  /**
   * Resolves when so many records may go; they count as gone.
   * @param stillWaiting called at least every minute
   */
  async wait(records: number, stillWaiting: () => void = () => undefined): Promise<void> {
    const now = this.#now();
    const due = Math.max(now, this.#nextAt);
    this.#nextAt = due + (records / this.#perSecond) * 1000;
    for (let left = due - now; left > 0; left -= PULSE_MS) {
      await this.#sleep(Math.min(left, PULSE_MS));
      stillWaiting();
    }
  }
}
