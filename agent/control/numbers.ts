import { NO_NUMBER, type Item } from '../events/item.ts';
import type { Numbering } from '../events/position.ts';

/** The fate of the numbers that the helper gave, from the first that this agent got. */
export interface Numbers {
  readonly boot_id: string;
  /** The first and the newest number; `events + lost` is all between, both included. */
  readonly first: number;
  readonly through: number;
  /** Events that came in, before filters. */
  readonly events: number;
  /** Numbers that gaps stand for. */
  readonly lost: number;
}

/** Counts numbers as they come in, before any filter: what is not counted here is missing. Begins anew with a boot or a probe. */
export class NumberTally {
  #bootId: string | undefined;
  #first = NO_NUMBER;
  #through = NO_NUMBER;
  #events = 0;
  #lost = 0;

  begin({ bootId, firstSeq }: Pick<Numbering, 'bootId' | 'firstSeq'>): void {
    const goesOn = bootId === this.#bootId && firstSeq <= this.#through + 1;
    if (goesOn) return;
    this.#bootId = bootId;
    this.#first = NO_NUMBER;
    this.#through = NO_NUMBER;
    this.#events = 0;
    this.#lost = 0;
  }

  take(items: readonly Item[]): void {
    for (const { first, last, gap } of items) {
      if (last === NO_NUMBER) continue;
      if (this.#first === NO_NUMBER) this.#first = first;
      this.#through = last;
      if (gap === undefined) this.#events++;
      else this.#lost += gap.count;
    }
  }

  /** Undefined until there is a number. */
  get counts(): Numbers | undefined {
    if (this.#bootId === undefined || this.#first === NO_NUMBER) return undefined;
    return {
      boot_id: this.#bootId,
      first: this.#first,
      through: this.#through,
      events: this.#events,
      lost: this.#lost,
    };
  }
}
