import {
  count,
  instant,
  isObject,
  oneOf,
  optional,
  requiredOf,
  sha256,
  type FieldTable,
} from '../../shared/events/fields.ts';
import { checkFields, EventError, shape } from '../../shared/events/parse.ts';

/**
 * Why a seal was made: so many numbers passed, or so much time; nothing happened; before a reload or the end; its boot was
 * over; the probe was loaded anew, and its numbers go on from a later one.
 */
export const SEAL_REASONS = ['numbers', 'time', 'idle', 'reload', 'stop', 'boot', 'probe'] as const;

export type SealReason = (typeof SEAL_REASONS)[number];

/**
 * A statement about a range of numbers in one output's stream, as a line of that stream. Always
 * `sent + filtered + gap = to - from + 1`. Lines between two seals carry the number of the later one as `seal`.
 */
export interface SealEvent {
  type: 'seal';
  time: string;
  /**
   * The first number that it covers: the one after `to` of the seal before. A later one where the probe was loaded anew: the
   * numbers between were never given, and nothing was watched then.
   */
  from: number;
  /** The last. `from - 1` when it covers none, which only says that the stream is alive. */
  to: number;
  /** Events with a number whose lines are in the stream, each once. */
  sent: number;
  /** Numbers that were left out on purpose: by filters, by suppression, by `events: alerts`. */
  filtered: number;
  /** Numbers that the stream's gaps under this seal stand for. */
  gap: number;
  /** All lines under this seal, each once; the seal itself is not among them. */
  lines: number;
  /** Over these lines, the sum of the first four bytes, big-endian, of the SHA-256 of the line without its newline. */
  sum: number;
  /** SHA-256 of the seal before, as a line without its newline; absent in the first of a chain. */
  prev?: string;
  reason: SealReason;
  /** `kernel_count` of the newest heartbeat of the helper; absent where there was none, and so on. */
  kernel_count?: number;
  kernel_lost?: number;
  probe_sha256?: string;
  /** Of the configuration file and of the rules that were in force. */
  config_sha256?: string;
  rules_sha256?: string;
}

export const SEAL_FIELDS: FieldTable<SealEvent> = {
  type: oneOf('seal'),
  time: instant,
  from: count,
  to: count,
  sent: count,
  filtered: count,
  gap: count,
  lines: count,
  sum: count,
  prev: optional(sha256),
  reason: oneOf(...SEAL_REASONS),
  kernel_count: optional(count),
  kernel_lost: optional(count),
  probe_sha256: optional(sha256),
  config_sha256: optional(sha256),
  rules_sha256: optional(sha256),
};
export const SEAL_REQUIRED = requiredOf(SEAL_FIELDS);

const SHAPE = shape(SEAL_FIELDS, SEAL_REQUIRED);

/**
 * Checks every field of a parsed value that should be a seal, and returns the value itself. Further fields stay. Whether
 * the counts add up is another question: `arithmeticFault`.
 * @throws {EventError} naming the missing or invalid field
 */
export function sealOf(value: unknown): SealEvent {
  if (!isObject(value) || value['type'] !== 'seal') throw new EventError('a seal is a JSON object of type seal');
  checkFields(value, 'seal', SHAPE);
  return value as unknown as SealEvent;
}

/** The reason why a seal contradicts itself; undefined when it does not. */
export function arithmeticFault({ from, to, sent, filtered, gap, lines }: SealEvent): string | undefined {
  if (to < from - 1) return `to is ${to}, less than from - 1, which is ${from - 1}`;
  const covered = to - from + 1;
  if (sent + filtered + gap !== covered)
    return `sent + filtered + gap is ${sent + filtered + gap}, and to - from + 1 is ${covered}`;
  return lines < sent ? `lines is ${lines}, less than sent, which is ${sent}` : undefined;
}

export const SEAL_EXAMPLE: SealEvent = {
  type: 'seal',
  time: '2023-03-15T13:21:00.000Z',
  from: 7_302_001,
  to: 7_306_096,
  sent: 4000,
  filtered: 32,
  gap: 64,
  lines: 4001,
  sum: 8_589_934_592_004,
  prev: '5d41402abc4b2a76b9719d911017c592ae2f1d3b4c5a69788f90123456789abc',
  reason: 'numbers',
  kernel_count: 7_306_096,
  kernel_lost: 64,
  probe_sha256: '0f4a1f36a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c',
  config_sha256: '1f4a1f36a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c',
  rules_sha256: '2f4a1f36a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c',
};
