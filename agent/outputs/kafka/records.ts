import { sealIn } from '../../formats/line-fields.ts';
import type { Part } from '../network/parts.ts';
import type { BatchRecord } from './wire/record-batch.ts';

/**
 * The lines of a part as records: each without its newline. Headers name the boot, and the seal where the line has one, so that
 * a consumer can tell repetitions and losses apart without parsing.
 */
export function* recordsOf({ lines, records, bootId, endOf }: Part): Generator<BatchRecord> {
  const boot = bootId === undefined ? [] : [['boot_id', bootId] as const];
  let start = 0;
  for (let i = 0; i < records; i++) {
    const end = endOf(i);
    const value = lines.subarray(start, end - 1);
    const seal = sealIn(value);
    yield { value, headers: seal === undefined ? boot : [...boot, ['seal', seal]] };
    start = end;
  }
}
