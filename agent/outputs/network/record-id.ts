import { createHash } from 'node:crypto';
import { NO_NUMBER } from '../../events/item.ts';
import { sealIn } from '../../formats/line-fields.ts';
import type { Batch } from '../output.ts';

/** The facts about records from which names are made. */
type Numbered = Pick<Batch, 'bootId' | 'numbersOf' | 'isGap'>;

/** Where a record is from, beside its own line. */
export interface Origin {
  readonly hostId: string;
  /** The output's name. */
  readonly stream: string;
}

/**
 * Names record `i` of some records for a receiver that drops what it has already. It is the same when the record is sent again.
 *
 * - An event: `BOOT:SEQ:STREAM`, and `:SEAL` where the line has one. Not `BOOT:SEQ` alone: two outputs can write into one
 *   place, and after a crash a line can come again under another seal, which a check of seals looks for.
 * - A gap, a seal, and what has no number: `BOOT:FIRST-LAST:CHECKSUM:STREAM`, with `-` for no number. The checksum is the first 16
 *   digits of the SHA-256 of the line. Where no boot is known, the host's id is in its place.
 */
export function recordId(records: Numbered, i: number, line: Buffer, type: string, { hostId, stream }: Origin): string {
  const { first, last } = records.numbersOf(i);
  const bootId = records.bootId?.replaceAll(/[^\x21-\x7e]/gu, '_');
  if (bootId !== undefined && first !== NO_NUMBER && first === last && !records.isGap(i) && type !== 'seal') {
    const seal = sealIn(line);
    return `${bootId}:${first}:${stream}${seal === undefined ? '' : `:${seal}`}`;
  }
  const numbers = first === NO_NUMBER ? '-' : `${first}-${last}`;
  const checksum = createHash('sha256').update(line).digest('hex').slice(0, 16);
  return `${bootId ?? hostId}:${numbers}:${checksum}:${stream}`;
}
