import type { FoundGap } from './ledger.ts';

/** The order in which all that follows takes gaps. */
export const byPlace = (a: FoundGap, b: FoundGap): number => a.first - b.first || a.last - b.last;

/** Whether two are one gap, which can stand under two seals after a crash. */
export const isSame = (a: FoundGap, b: FoundGap): boolean =>
  a.first === b.first && a.last === b.last && a.hop === b.hop && a.cause === b.cause;

/** Whether a gap says which numbers it stands for: all between its ends. */
export const isExact = ({ first, last, count }: FoundGap): boolean => count === last - first + 1;

/** The gaps that begin in a range. @param gaps in their order */
export function gapsIn(gaps: readonly FoundGap[], from: number, to: number): readonly FoundGap[] {
  const start = lowerBound(gaps, from);
  return gaps.slice(start, start + countIn(gaps, from, to));
}

/** How many gaps begin in a range. */
export const countIn = (gaps: readonly FoundGap[], from: number, to: number): number =>
  Math.max(0, lowerBound(gaps, to + 1) - lowerBound(gaps, from));

function lowerBound(gaps: readonly FoundGap[], first: number): number {
  let low = 0;
  let high = gaps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (gaps[middle]!.first < first) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many numbers gaps stand for, each once. @param gaps in their order */
export function numbersIn(gaps: readonly FoundGap[]): number {
  let numbers = 0;
  let next = 0;
  for (const [i, gap] of gaps.entries()) {
    if (i > 0 && isSame(gap, gaps[i - 1]!)) continue;
    if (isExact(gap)) {
      numbers += Math.max(0, gap.last - Math.max(gap.first, next) + 1);
      next = Math.max(next, gap.last + 1);
    } else {
      numbers += gap.count;
    }
  }
  return numbers;
}
