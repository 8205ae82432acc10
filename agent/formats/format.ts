import type { Item } from '../events/item.ts';

/**
 * How an event is written: as one line of text. Called for each event of a batch, just before it is sent, and again when
 * the batch is put together again. Must be quick, must not throw, and must give the same for the same event.
 */
export interface Format {
  /** The line of an event, without its newline. */
  encode(item: Item): string;
}
