import { NO_NUMBER, type Item } from '../../../agent/events/item.ts';
import type { Batch } from '../../../agent/outputs/output.ts';

/** Items as an output gets them. */
export function batchOf(bootId: string, items: readonly Item[], first?: number): Batch {
  const lines = Buffer.concat(items.map(({ memory, start, end }) => memory.subarray(start, end)));
  let at = 0;
  const ends = items.map(({ bytes }) => (at += bytes));
  const numbers = items.map(({ first: from, last }) => ({ first: from, last }));
  return {
    lines,
    records: items.length,
    bootId,
    first: first ?? numbers[0]?.first ?? NO_NUMBER,
    last: numbers.at(-1)?.last ?? NO_NUMBER,
    endOf: (i) => ends[i]!,
    numbersOf: (i) => numbers[i]!,
    isGap: (i) => items[i]!.gap !== undefined,
  };
}
