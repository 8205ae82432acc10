/**
 * Limits use to a rate per second and saves unused amounts up to a bound. One use may exceed what is left; the next must then wait
 * until the debt is paid. So one long use is possible, and many are not.
 */
export class Budget {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /**
   * @param most the most that can be saved, and the amount at the start
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
