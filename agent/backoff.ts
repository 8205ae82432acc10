/** How attempts that fail are spaced, in milliseconds. */
export interface Pace {
  /** The first wait. */
  readonly firstMs: number;
  /** Waits double up to this. */
  readonly longestMs: number;
}

/**
 * How long to wait before the next attempt, in milliseconds. Half of it is drawn at random, so that many agents do not
 * march in step.
 *
 * @param failures attempts that failed since the last one that worked, from 1
 * @param random a number from 0 up to, not including, 1
 */
export function backoff(failures: number, { firstMs, longestMs }: Pace, random = Math.random()): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return ceiling / 2 + (ceiling / 2) * random;
}
