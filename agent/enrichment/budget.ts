/**
 * Limits how much of something is used: a rate per second, and unused amounts are saved up to a bound. A use may go beyond it and
 * is paid back before the next, so one long use is possible, and many are not.
 */
export class Budget {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /**
   * @param most what can be saved up, and is there at first
   * @param now milliseconds on a clock that never steps
   */
  constructor(perSecond: number, most: number = perSecond, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#now = now;
    this.#left = most;
    this.#at = now();
  }

  /** Whether anything is left. */
  get isLeft(): boolean {
    const now = this.#now();
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    return this.#left > 0;
  }

  spend(amount: number): void {
    this.#left -= amount;
  }
}
