/** Spacing of attempts after failures, in milliseconds. */
export interface Pace {
  /** The longest first wait. */
  readonly firstMs: number;
  /** The limit up to which the longest wait doubles. */
  readonly longestMs: number;
}

/**
 * Returns the wait before the next attempt, in milliseconds: random, from 0 up to a ceiling that doubles ("full
 * jitter"), so that many agents that failed together do not retry together.
 *
 * @param failures failed attempts since the last success, from 1
 * @param random at least 0 and less than 1
 */
export function backoff(failures: number, { firstMs, longestMs }: Pace, random = Math.random()): number {
  return random * Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
}
