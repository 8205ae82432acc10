import type { GapEvent } from '../../shared/events/gap.ts';
import type { Item } from '../events/item.ts';
import { MAX_GAPS } from './limits.ts';

/** The newest gaps of the stream, and how many numbers all of them stand for. */
export class RecentGaps {
  readonly #newest: GapEvent[] = [];
  /** Numbers that gaps stand for, since it was made. */
  lost = 0;

  take(items: readonly Item[]): void {
    for (const { gap } of items) {
      if (gap === undefined) continue;
      this.lost += gap.count;
      this.#newest.push(gap);
      if (this.#newest.length > MAX_GAPS) this.#newest.shift();
    }
  }

  /** The oldest first. */
  get newest(): readonly GapEvent[] {
    return this.#newest;
  }
}
