import { setTimeout as delay } from 'node:timers/promises';

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

  /** Resolves when so many records may go; they count as gone. */
  async wait(records: number): Promise<void> {
    const now = this.#now();
    const due = Math.max(now, this.#nextAt);
    this.#nextAt = due + (records / this.#perSecond) * 1000;
    if (due > now) await this.#sleep(due - now);
  }
}
