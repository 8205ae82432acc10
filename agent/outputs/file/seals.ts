import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { systemCode } from '../../errors.ts';
import type { SealState } from '../../events/seal-state.ts';
import { SealsInLines } from '../../formats/seals-in-lines.ts';
import { rotatedNumbers } from './rotated.ts';
import { read } from './tail.ts';

const NEWLINE = 10;
const WINDOW_BYTES = 1024 * 1024;

/**
 * How far back the newest seal is looked for, in bytes, over all files of the rotation. One is there for each 4,096 numbers: some
 * 3 MB.
 */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * How far the seals of a log file are, as its newest lines say: the last seal, and the lines behind it. What is in the file
 * counts, whatever a process that was killed knew.
 * @returns undefined when the newest seal cannot be found: a new chain then begins
 */
export async function sealStateOf(
  path: string,
  current: { handle: FileHandle; size: number },
): Promise<SealState | undefined> {
  const seals = new SealsInLines();
  let left = MAX_BYTES;
  for (const n of [0, ...(await rotatedNumbers(path))]) {
    if (left <= 0) break;
    const older = n === 0 ? undefined : await openOlder(`${path}.${n}`);
    if (n > 0 && older === undefined) continue;
    try {
      for await (const line of linesBackwards(older ?? current, left)) {
        left -= line.length + 1;
        if (seals.add(line)) return seals.state;
      }
    } finally {
      await older?.handle.close();
    }
  }
  return left > 0 ? seals.stateFromTheFirst : undefined;
}

/** The whole lines of a file, from its end, without their newlines; at most so many bytes of it. */
async function* linesBackwards(
  { handle, size }: { handle: FileHandle; size: number },
  most: number,
): AsyncGenerator<Buffer> {
  const least = Math.max(0, size - most);
  let rest = Buffer.alloc(0);
  for (let end = size; end > least;) {
    const start = Math.max(least, end - WINDOW_BYTES);
    const window = Buffer.concat([await read(handle, start, end), rest]);
    let stop = window.lastIndexOf(NEWLINE);
    for (;;) {
      const before = stop <= 0 ? -1 : window.lastIndexOf(NEWLINE, stop - 1);
      if (before === -1) break;
      yield window.subarray(before + 1, stop);
      stop = before;
    }
    rest = window.subarray(0, stop + 1);
    // No line of ours is as long.
    if (rest.length > 2 * MAX_LINE_BYTES) return;
    end = start;
  }
  if (least === 0 && rest.length > 1) yield rest.subarray(0, rest.length - 1);
}

async function openOlder(path: string): Promise<{ handle: FileHandle; size: number } | undefined> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const { size } = await handle.stat();
    return { handle, size };
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
