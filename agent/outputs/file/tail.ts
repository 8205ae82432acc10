import type { FileHandle } from 'node:fs/promises';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { NO_NUMBER } from '../../events/item.ts';
import { factsOf } from '../../formats/line-facts.ts';

const NEWLINE = 10;
const FIRST_WINDOW_BYTES = 64 * 1024;

/** How far back a number is looked for: behind the longest line there can be. */
const LONGEST_WINDOW_BYTES = 2 * MAX_LINE_BYTES;

/**
 * The number that the lines of a file between two places end with: `seq` of the
 * last event, `last` of a gap or `to` of a seal. Unfinished lines and lines that are no events are passed over. Undefined when there is none.
 */
export async function lastNumberIn(file: FileHandle, from: number, to: number): Promise<number | undefined> {
  for (let length = FIRST_WINDOW_BYTES; from < to; length *= 4) {
    const start = Math.max(from, to - length, to - LONGEST_WINDOW_BYTES);
    const window = await read(file, start, to);
    const found = lastNumberOf(window, start === from);
    if (found !== undefined || start === from || length >= LONGEST_WINDOW_BYTES) return found;
  }
  return undefined;
}

/** @param atLine whether the window begins where a line begins; if not, its first line is half a line */
function lastNumberOf(window: Buffer, atLine: boolean): number | undefined {
  for (let end = window.lastIndexOf(NEWLINE); end > 0;) {
    const before = window.lastIndexOf(NEWLINE, end - 1);
    if (before === -1 && !atLine) return undefined;
    const number = numberOf(window.toString('utf8', before + 1, end));
    if (number !== undefined) return number;
    end = before;
  }
  return undefined;
}

/** The lines can be of any format: the configuration may have changed since. */
function numberOf(line: string): number | undefined {
  const facts = factsOf(line);
  if (facts === undefined) return undefined;
  const number = facts.type === 'seal' ? facts.sealedTo : facts.last;
  return number === NO_NUMBER ? undefined : number;
}

/** Where the last whole line of a file of `size` bytes ends: `size` itself, unless the file ends inside a line. */
export async function endOfWholeLines(file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - FIRST_WINDOW_BYTES);
    const window = await read(file, start, end);
    const found = window.lastIndexOf(NEWLINE);
    if (found !== -1) return start + found + 1;
    end = start;
  }
  return 0;
}

/** The bytes between two places of a file; fewer where it ends before. */
export async function read(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const window = Buffer.allocUnsafe(end - start);
  let length = 0;
  while (length < window.length) {
    const { bytesRead } = await file.read(window, length, window.length - length, start + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return window.subarray(0, length);
}
