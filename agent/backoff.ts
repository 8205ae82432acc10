/** How attempts that fail are spaced, in milliseconds. */
export interface Pace {
  /** The longest first wait. */
  readonly firstMs: number;
  /** The longest wait doubles up to this. */
  readonly longestMs: number;
}

/**
 * How long to wait before the next attempt, in milliseconds: drawn at random from 0 up to a ceiling that doubles ("full
 * jitter"), so that many agents that failed together do not come back together.
 *
 * @param failures attempts that failed since the last one that worked, from 1
 * @param random a number from 0 up to, not including, 1
 */
export function backoff(failures: number, { firstMs, longestMs }: Pace, random = Math.random()): number {
  return random * Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
}
