import { count, instant, oneOf, optional, requiredOf, sha256, type FieldTable } from '../../shared/events/fields.ts';

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
