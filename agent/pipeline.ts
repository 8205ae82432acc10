import { setTimeout as delay } from 'node:timers/promises';
import { NO_NUMBER, type Item } from './events/item.ts';
import type { Numbering } from './events/position.ts';
import type { Lane } from './delivery/log/cursor.ts';

/** Work on a batch between source and outputs: returns what goes on, in order. Must not change an item, nor keep one: it keeps `event`. */
export type Stage = (batch: readonly Item[]) => readonly Item[];

/** How long the source may be asked to wait for an output, in milliseconds: what is read in one go is then still far more than a machine executes. */
const PATIENCE_MS = 10;

/**
 * source → stages → lanes. Everything flows one way, a batch at a time. Each
 * lane has its own queue, and none can hold up another: to one that is far behind the source
 * gives a moment, since what is not read is safe with the helper, and no more than that.
 */
export class Pipeline {
  /** Enrichment, filters and rules stand here, in the order in which they work. */
  readonly #stages: readonly Stage[];
  #lanes: readonly Lane[];
  #numbering: Numbering | undefined;

  constructor(stages: readonly Stage[], lanes: readonly Lane[]) {
    this.#stages = stages;
    this.#lanes = lanes;
  }

  /**
   * What comes from now on has these numbers.
   * @returns the first number that any lane has not stored; undefined when one of them does not know
   */
  begin(numbering: Numbering): number | undefined {
    this.#numbering = numbering;
    let due: number | undefined = Infinity;
    for (const lane of this.#lanes) {
      const stored = lane.begin(numbering);
      due = stored === undefined || due === undefined ? undefined : Math.min(due, stored + 1);
    }
    return due === Infinity ? undefined : due;
  }

  /**
   * Takes a batch from the source. What stages leave out is not missing: lanes are told how far the batch went.
   * @returns what to wait for before the next, if anything; not for long
   */
  take(batch: readonly Item[]): Promise<unknown> | undefined {
    const through = lastNumberOf(batch);
    let items = batch;
    for (const stage of this.#stages) items = stage(items);
    if (items.length === 0 && through === NO_NUMBER) return undefined;
    let congested: Promise<void>[] | undefined;
    for (const lane of this.#lanes) {
      lane.accept(items, through);
      const { congestion } = lane;
      if (congestion !== undefined) (congested ??= []).push(congestion);
    }
    return congested && Promise.race([Promise.all(congested), delay(PATIENCE_MS, undefined, { ref: false })]);
  }

  /** From the next batch on, events go to these lanes. */
  replaceLanes(lanes: readonly Lane[]): void {
    const before = new Set(this.#lanes);
    this.#lanes = lanes;
    if (this.#numbering === undefined) return;
    for (const lane of lanes) if (!before.has(lane)) lane.begin(this.#numbering);
  }
}

/** Numbers rise: the last that there is. */
function lastNumberOf(batch: readonly Item[]): number {
  for (let i = batch.length - 1; i >= 0; i--) if (batch[i]!.last !== NO_NUMBER) return batch[i]!.last;
  return NO_NUMBER;
}
