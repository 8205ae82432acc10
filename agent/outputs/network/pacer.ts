import { setTimeout as delay } from 'node:timers/promises';

/** Holds sends back, so that no more than so many records a second go out. */
export class Pacer {
  readonly #perSecond: number;
  readonly #now: () => number;
  #nextAt = 0;

  /** @param now milliseconds on a clock that never steps */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Resolves when so many records may go; they count as gone. */
  async wait(records: number): Promise<void> {
    const now = this.#now();
    const due = Math.max(now, this.#nextAt);
    this.#nextAt = due + (records / this.#perSecond) * 1000;
    if (due > now) await delay(due - now);
  }
}
