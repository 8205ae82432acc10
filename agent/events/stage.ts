import type { Item } from './item.ts';

/** Work on a batch between source and log: returns the items to pass on, in order. Must not change or keep an item; to keep an event, keep its `event`. */
export type Stage = (batch: readonly Item[]) => readonly Item[];
