import { createHash } from 'node:crypto';
import { NO_NUMBER } from '../../events/item.ts';
import type { Batch } from '../output.ts';

const OPENING_BRACE = 0x7b;
const KEY_OF_TYPE = '"type":"';
const QUOTE = 0x22;

/** Where a line's `"seal":N}` lies, which is its last field. */
const END_BYTES = 32;

/** The origin of a message, beside its own line. */
export interface Origin {
  readonly hostId: string;
  /** The output's name. */
  readonly stream: string;
}

/** The type of an event; empty where it has none. @param line a JSON object with a newline */
export function typeOf(line: Buffer): string {
  const at = line.indexOf(KEY_OF_TYPE);
  const brace = line.indexOf(OPENING_BRACE, 1);
  // Without another object in front of it, it is a key of the line itself. Text cannot look like it: its quotes have a backslash.
  if (at !== -1 && (brace === -1 || brace > at)) {
    const start = at + KEY_OF_TYPE.length;
    const text = line.toString('utf8', start, line.indexOf(QUOTE, start));
    if (!text.includes('\\')) return text;
  }
  try {
    const { type } = JSON.parse(line.toString('utf8')) as { type?: unknown };
    return typeof type === 'string' ? type : '';
  } catch {
    return '';
  }
}

/**
 * Names record `i` of a batch for a server that drops what it has already. It is the same when the record is sent again.
 *
 * - An event: `BOOT:SEQ:STREAM`, and `:SEAL` where the line has one. Not `BOOT:SEQ` alone: two outputs can write into one
 *   JetStream stream, and after a crash a line can come again under another seal, which a check of seals looks for.
 * - A gap, a seal, and what has no number: `BOOT:FIRST-LAST:CHECKSUM:STREAM`, with `-` for no number. The checksum is the first 16
 *   digits of the SHA-256 of the line. Where no boot is known, the host's id is in its place.
 */
export function messageId(batch: Batch, i: number, line: Buffer, type: string, { hostId, stream }: Origin): string {
  const { first, last } = batch.numbersOf(i);
  const bootId = batch.bootId?.replaceAll(/[^\x21-\x7e]/gu, '_');
  if (bootId !== undefined && first !== NO_NUMBER && first === last && !batch.isGap(i) && type !== 'seal') {
    const seal = /"seal":(\d+)\}\n$/u.exec(line.toString('latin1', Math.max(0, line.length - END_BYTES)))?.[1];
    return `${bootId}:${first}:${stream}${seal === undefined ? '' : `:${seal}`}`;
  }
  const numbers = first === NO_NUMBER ? '-' : `${first}-${last}`;
  const checksum = createHash('sha256').update(line).digest('hex').slice(0, 16);
  return `${bootId ?? hostId}:${numbers}:${checksum}:${stream}`;
}
