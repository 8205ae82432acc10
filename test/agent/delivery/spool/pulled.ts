import { problemsOf } from '../seal/check.ts';

/** One boot whose machine was pulled, as one receiver has it. */
export interface Pulled {
  /** The lines of each request that it took before that, without newlines. */
  readonly before: ReadonlyArray<readonly string[]>;
  /** The same of the requests after that. */
  readonly after: ReadonlyArray<readonly string[]>;
  /** The first so many of `before` must not come again: their end had to be on the disk. */
  readonly settled: number;
  /** Numbers above this one may be lost, and then a gap may say so. */
  readonly safe: number;
}

interface Line {
  readonly type: string;
  readonly seq?: number;
  readonly first: number;
  readonly last: number;
  readonly hop?: string;
}

/** The numbers that a line accounts for: its own, or those of a gap. */
function numbersOf(line: string): number[] {
  const { type, seq, first, last } = JSON.parse(line) as Line;
  if (type === 'gap') return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return seq === undefined ? [] : [seq];
}

/** The numbers that requests account for, as they came. */
export const numbersIn = (requests: Pulled['before']): number[] =>
  requests.flatMap((lines) => lines.flatMap((line) => numbersOf(line)));

/** The highest of them; 0 where there is none. */
export const lastIn = (requests: Pulled['before']): number =>
  numbersIn(requests).reduce((highest, number) => Math.max(highest, number), 0);

/** The faults of a boot, once its receiver has all that the disk held of it. */
export function faultsOf({ before, after, settled, safe }: Pulled): string[] {
  const requests = [...before, ...after];
  const lines = requests.flat();
  const faults = problemsOf(lines);
  let highest: number | undefined;
  for (const number of numbersIn(requests)) {
    if (highest !== undefined && number > highest + 1) faults.push(`after ${highest} comes ${number}`);
    highest = Math.max(highest ?? number, number);
  }
  for (const line of lines) {
    const { type, hop, first } = JSON.parse(line) as Line;
    if (type === 'gap' && hop === 'spool' && first <= safe) faults.push(`the spool misses what is safe: ${line}`);
  }
  const known = new Set(numbersIn(before.slice(0, settled)));
  const again = numbersIn(after).filter((number) => known.has(number));
  if (again.length > 0) faults.push(`${again.length} numbers came again, from ${again[0]} on`);
  return faults;
}
