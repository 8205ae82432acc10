import type { Part } from '../network/parts.ts';
import type { BatchRecord } from './wire/record-batch.ts';

/** As JSON has it in front of a number. Within a text each quote has a backslash in front, so no text looks like this. */
const SEAL_KEY = ',"seal":';

/** The agent adds the seal at the end of a line: it lies in so many of the last bytes. */
const TAIL_BYTES = 4096;

const MAX_DIGITS = 16;

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

function sealIn(line: Buffer): string | undefined {
  const tail = line.subarray(Math.max(0, line.length - TAIL_BYTES));
  const key = tail.lastIndexOf(SEAL_KEY);
  if (key === -1) return undefined;
  const start = key + SEAL_KEY.length;
  return /^\d+/u.exec(tail.toString('latin1', start, start + MAX_DIGITS))?.[0];
}
