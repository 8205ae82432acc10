import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** One line of a log file that stands for numbers. */
interface Numbered {
  first: number;
  last: number;
  /** How many of them are lost; undefined for an event. */
  lost?: number;
}

/** All lines of the files of some folders, those that gzip has packed included; in no order. */
export function linesInFiles(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => !name.startsWith('.') && statSync(join(folder, name)).isFile())
      .flatMap((name) => {
        const bytes = readFileSync(join(folder, name));
        return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n').slice(0, -1);
      }),
  );
}

/**
 * The ranges of numbers from `from` to `to` that are in no event and in no gap. Numbers that occur twice are no fault: delivery is
 * at least once.
 */
export function numbersMissing(lines: readonly string[], from: number, to: number): Array<[number, number]> {
  const ranges = lines.map(numbersOf).filter((range) => range !== undefined);
  ranges.sort((a, b) => a.first - b.first || a.last - b.last);
  const missing: Array<[number, number]> = [];
  let next = from;
  for (const { first, last } of ranges) {
    if (first > next) missing.push([next, Math.min(first - 1, to)]);
    next = Math.max(next, last + 1);
  }
  if (next <= to) missing.push([next, to]);
  return missing;
}

function numbersOf(line: string): Numbered | undefined {
  const event = JSON.parse(line) as { type?: string; seq?: number; first?: number; last?: number; count?: number };
  if (event.type === 'gap') return { first: event.first!, last: event.last!, lost: event.count! };
  return event.seq === undefined ? undefined : { first: event.seq, last: event.seq };
}
