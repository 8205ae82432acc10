import { FLAG } from '../../../agent/delivery/log/memory-segment.ts';
import { PendingBatch } from '../../../agent/delivery/pending-batch.ts';
import { NO_NUMBER, type Item } from '../../../agent/events/item.ts';
import type { Format, FormatContext } from '../../../agent/formats/format.ts';
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
    stillWorking: () => undefined,
  };
}

/** Items in an output's format, as a delivery hands them over: what was settled of the batch can be taken off its front. */
export function formattedBatch(
  format: Format,
  items: readonly Item[],
  context: FormatContext = { bootId: 'boot' },
): PendingBatch {
  const lines = items.map((item) => {
    const text = format.encode(item, context);
    return Buffer.from(typeof text === 'string' ? `${text}\n` : Buffer.concat([...text, Buffer.from('\n')]));
  });
  let at = 0;
  const index = {
    ends: Uint32Array.from(lines, ({ length }) => (at += length)),
    firsts: Float64Array.from(items, ({ first }) => first),
    lasts: Float64Array.from(items, ({ last }) => last),
    flags: Uint8Array.from(items, ({ gap }) => (gap === undefined ? 0 : FLAG.gap)),
  };
  return new PendingBatch(Buffer.concat(lines), 0, index, context.bootId);
}
