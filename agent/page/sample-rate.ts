import { formatRate } from '../view/quantities.ts';

/** The rate is that of so many seconds: an agent or a browser that was late for one makes up for it in the next. */
export const RATE_SECONDS = 5;

/** How many of how many events a second are shown. */
export class SampleRate {
  /** The second that runs. */
  #came = 0;
  #leftOut = 0;
  /** Those before it, the oldest first. */
  #seconds: Array<{ readonly came: number; readonly leftOut: number }> = [];

  take(came: number, leftOut: number): void {
    this.#came += came;
    this.#leftOut += leftOut;
  }

  /** Ends a second. @param counts false while events from before come in, which are no rate */
  tick(counts = true): void {
    const second = { came: this.#came, leftOut: this.#leftOut };
    this.#came = 0;
    this.#leftOut = 0;
    this.#seconds = counts ? [...this.#seconds, second].slice(-RATE_SECONDS) : [];
  }

  /** For people; empty when nothing came. */
  get text(): string {
    const sum = (kind: 'came' | 'leftOut'): number => this.#seconds.reduce((all, second) => all + second[kind], 0);
    const [came, leftOut] = [sum('came'), sum('leftOut')];
    const rate = (count: number): string => formatRate(count / this.#seconds.length);
    if (leftOut > 0) return `showing ${rate(came)} of ${rate(came + leftOut)} a second`;
    return came > 0 ? `all of ${rate(came)} a second` : '';
  }
}
