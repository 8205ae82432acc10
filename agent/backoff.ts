const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5000;

/**
 * How long to wait before the next attempt, in milliseconds. The first retry is
 * immediate, since a helper that restarts is back at once; later ones double up to 5 s,
 * half of each drawn at random so that many agents do not march in step.
 *
 * @param failures attempts that failed since the last one that worked
 * @param random a number from 0 up to, not including, 1
 */
export function retryDelay(failures: number, random: number): number {
  if (failures === 0) return 0;
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 30));
  return ceiling / 2 + (ceiling / 2) * random;
}
