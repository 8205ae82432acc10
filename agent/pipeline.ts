import type { Item } from './item.ts';
import type { Lane } from './outputs/lane.ts';

/** Work on a batch between source and outputs: returns what goes on, in order. Must not change an item. */
export type Stage = (batch: readonly Item[]) => readonly Item[];

/**
 * source → stages → lanes. Everything flows one way, a batch at a time, and
 * nothing waits: each lane has its own queue.
 */
export class Pipeline {
  /** Enrichment, filters and rules stand here, in the order in which they work. */
  readonly #stages: readonly Stage[];
  #lanes: readonly Lane[];

  constructor(stages: readonly Stage[], lanes: readonly Lane[]) {
    this.#stages = stages;
    this.#lanes = lanes;
  }

  /** Takes a batch from the source. */
  take(batch: readonly Item[]): void {
    let items = batch;
    for (const stage of this.#stages) items = stage(items);
    if (items.length === 0) return;
    for (const lane of this.#lanes) lane.accept(items);
  }

  /** From the next batch on, events go to these lanes. */
  replaceLanes(lanes: readonly Lane[]): void {
    this.#lanes = lanes;
  }
}
