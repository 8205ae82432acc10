import type { BatchLimits } from '../output.ts';

/** Keys of every network output. Sizes in bytes, ages in milliseconds, rates in events a second. */
interface Batching {
  readonly batch: { readonly max_bytes: number; readonly max_events: number; readonly max_age: number };
  readonly max_rate?: number | undefined;
}

/**
 * When a network output sends.
 * @param share of `batch.max_bytes`, for the lines before a format makes them longer
 */
export function batchLimits({ batch, max_rate }: Batching, share = 1): BatchLimits {
  return {
    bytes: Math.floor(batch.max_bytes * share),
    // At most what may go in a second: then a batch waits no longer than that.
    records: Math.min(batch.max_events, max_rate ?? Infinity),
    ageMs: batch.max_age,
  };
}
