import type { Item } from '../events/item.ts';
import type { Numbering } from '../events/position.ts';
import { NumberTally } from './numbers.ts';
import { Rates, type Counts } from './rates.ts';
import { RecentGaps } from './recent-gaps.ts';

/** Counts that only people who look need. They begin when it is made, and end when it is closed. */
export class Tallies {
  readonly gaps = new RecentGaps();
  readonly numbers = new NumberTally();
  readonly rates: Rates;

  /**
   * @param totals of the agent, which only grow
   * @param numbering of the helper that is connected, if one is
   */
  constructor(totals: () => Omit<Counts, 'lost'>, numbering: Numbering | undefined) {
    this.rates = new Rates(() => ({ ...totals(), lost: this.gaps.lost }));
    if (numbering !== undefined) this.begin(numbering);
  }

  begin(numbering: Numbering): void {
    this.numbers.begin(numbering);
  }

  /** Counts what came in, before filters. */
  takeReceived(items: readonly Item[]): void {
    this.numbers.take(items);
  }

  /** Counts what goes to the outputs. */
  takeSent(items: readonly Item[]): void {
    this.gaps.take(items);
  }

  close(): void {
    this.rates.close();
  }
}
