import { NO_NUMBER } from '../events/item.ts';
import type { LogReader } from './log/reader.ts';
import type { OutputCounters } from './output-counters.ts';
import type { PendingBatch } from './pending-batch.ts';
import type { Sealer } from './seal/sealer.ts';

/** The parts that have to know of refused records. */
export interface Concerned {
  readonly cursor: LogReader;
  readonly counters: OutputCounters;
  readonly sealer: Sealer | undefined;
}

/**
 * Turns records that the receiver will never take into gaps, so that they do not block later ones.
 * @param records their places in the batch, counted from 0; they were counted as taken
 */
export function refuse(batch: PendingBatch, records: readonly number[], { cursor, counters, sealer }: Concerned): void {
  const hasNumber = (i: number): boolean => batch.numbersOf(i).last !== NO_NUMBER;
  // A gap in place of a refused gap would be refused too, endlessly.
  const events = records.filter((i) => !batch.isGap(i) && hasNumber(i));
  const seals = records.filter((i) => batch.isSeal(i)).length;
  counters.seals -= seals;
  counters.taken -= records.length - seals;
  counters.refused += records.length;
  counters.rejected += events.length;
  counters.unnumbered += records.filter((i) => !hasNumber(i)).length - seals;
  for (const i of events) {
    const part = batch.partOf(i);
    if (part !== undefined) sealer?.withdraw(part);
  }
  for (const { first, last } of joined(events.map((i) => batch.numbersOf(i))))
    cursor.insertGap(batch.bootId, { first, last, count: last - first + 1 }, 'rejected');
}

/** Joins adjacent ranges. */
function joined(ranges: ReadonlyArray<{ first: number; last: number }>): Array<{ first: number; last: number }> {
  const result: Array<{ first: number; last: number }> = [];
  for (const { first, last } of ranges) {
    const before = result.at(-1);
    if (before !== undefined && before.last + 1 === first) before.last = last;
    else result.push({ first, last });
  }
  return result;
}
