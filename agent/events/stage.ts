import type { Item } from './item.ts';

/** Work on a batch between source and log: returns what goes on, in order. Must not change an item, nor keep one: whoever keeps an event keeps `event`. */
export type Stage = (batch: readonly Item[]) => readonly Item[];
