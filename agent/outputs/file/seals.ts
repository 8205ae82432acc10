import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { hash } from 'node:crypto';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { systemCode } from '../../errors.ts';
import { NO_NUMBER } from '../../events/item.ts';
import { firstSeal, type SealState } from '../../events/seal-state.ts';
import { factsOf, type LineFacts } from '../../formats/line-facts.ts';
import { rotatedNumbers } from './rotated.ts';
import { read } from './tail.ts';

const NEWLINE = 10;
const WINDOW_BYTES = 1024 * 1024;

/**
 * How far back the newest seal is looked for, in bytes, over all files of the rotation. One is there for each 4,096 numbers: some
 * 3 MB.
 */
const MAX_BYTES = 64 * 1024 * 1024;

/** A line of the open seal. */
interface Counted {
  readonly first: number;
  readonly last: number;
  readonly gapCount: number;
  readonly part: number;
}

/**
 * How far the seals of a log file are, as its newest lines say: the last seal, and the lines behind it. What is in the file
 * counts, whatever a process that was killed knew.
 * @returns undefined when the newest seal cannot be found: a new chain then begins
 */
export async function sealStateOf(
  path: string,
  current: { handle: FileHandle; size: number },
): Promise<SealState | undefined> {
  const lines: Counted[] = [];
  let found: SealState | undefined;
  let left = MAX_BYTES;
  for (const n of [0, ...(await rotatedNumbers(path))]) {
    if (left <= 0) break;
    const older = n === 0 ? undefined : await openOlder(`${path}.${n}`);
    if (n > 0 && older === undefined) continue;
    const file = older ?? current;
    try {
      for await (const line of linesBackwards(file, left)) {
        left -= line.length + 1;
        const value = parse(line);
        // Lines of other programs, and those from before the output said who it is, are in no seal.
        if (value === undefined) continue;
        const { bootId: boot, seal } = value;
        found ??= { ...firstSeal(boot), seal: value.type === 'seal' ? seal + 1 : seal };
        if (value.type === 'seal' && boot === found.boot_id)
          return seal + 1 === found.seal
            ? total(found, lines, value.sealedTo, digest(line).toString('hex'))
            : undefined;
        if (boot !== found.boot_id || seal !== found.seal) return found.seal === 1 ? total(found, lines) : undefined;
        lines.push({ ...value, part: digest(line).readUInt32BE() });
      }
    } finally {
      await older?.handle.close();
    }
  }
  return found?.seal === 1 && left > 0 ? total(found, lines) : undefined;
}

/** @param lines the newest first */
function total(begun: SealState, lines: readonly Counted[], before?: number, prev?: string): SealState {
  const state = { ...begun, through: before ?? NO_NUMBER };
  let from = before === undefined ? undefined : before + 1;
  for (const { first, last, gapCount, part } of lines.toReversed()) {
    // A line that was written again, after somebody had cut the file.
    if (last !== NO_NUMBER && last <= state.through && gapCount === 0) continue;
    if (last !== NO_NUMBER) {
      from ??= first;
      state.through = Math.max(state.through, last);
      if (gapCount === 0) state.sent++;
      else state.gap += gapCount;
    }
    state.lines++;
    state.sum += part;
  }
  return { ...state, ...(from === undefined ? {} : { from }), ...(prev === undefined ? {} : { prev }) };
}

/** A line that says of which boot and seal it is. */
type Line = LineFacts & { readonly bootId: string; readonly seal: number };

/** The line can be of any format: the configuration may have changed since. */
function parse(line: Buffer): Line | undefined {
  const facts = factsOf(line.toString('utf8'));
  return facts?.bootId === undefined || facts.seal === undefined ? undefined : (facts as Line);
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

function digest(line: Uint8Array): Buffer {
  return hash('sha256', line, 'buffer');
}
