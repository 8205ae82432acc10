import type { Item } from '../events/item.ts';

/** Facts that an event does not carry. */
export interface FormatContext {
  /** The boot of its number; undefined before any is known. */
  readonly bootId: string | undefined;
  /** The seal that covers it; undefined where the output seals nothing. */
  readonly seal?: number | undefined;
}

/**
 * How an event is written: as one line. Called for each event of a batch, just before it is sent, and again when
 * the batch is put together again. Must be quick, must not throw, and must give the same for the same event.
 */
export interface Format {
  /**
   * The line of an event, without its newline: as text, or as bytes in pieces, which are copied side by side before the
   * next call.
   */
  encode(item: Item, context: FormatContext): string | readonly Uint8Array[];
}
