import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { reasonOf, systemCode } from '../../errors.ts';
import { readBounded } from '../../files/read-bounded.ts';

const FILE_MODE = 0o600;

/** Far more than a state takes. */
const MAX_BYTES = 4096;

const number = z.int().min(0);

const fileStateSchema = z.object({
  /** The boot that the newest lines belong to: lines carry numbers, and numbers are unique only within a boot. */
  boot_id: z.string().min(1).max(256),
  /** The file that is written, whatever it is named by now. */
  inode: number,
  /** Its lines from this byte on belong to that boot. */
  from: number,
  /** The files before it hold that boot up to this number; absent when they hold nothing of it. */
  after: number.optional(),
  /**
   * With its first `size` bytes the file held all that it was to get of that boot up to the number `last`, which may be more than its
   * lines say: what filters leave out, or is no alert, is in no line. Absent when the lines say everything.
   */
  reached: z.object({ last: number, size: number }).optional(),
});

export type FileState = z.output<typeof fileStateSchema>;

/** In the file. A number that is too high would lose events, so a wrong bit must not make one of another. */
const storedSchema = fileStateSchema.extend({
  /** Absent in files of older versions. */
  crc: number.optional(),
});

function checksum({ boot_id: bootId, inode, from, after, reached }: FileState): number {
  return crc32(JSON.stringify([bootId, inode, from, after, reached?.last, reached?.size]));
}

/** A state that was read; or why there is none, where one was expected. */
export type LoadedState = { state?: FileState; problem?: string };

/**
 * The name of the state file of a log: hidden, so that no pattern that is meant for the log (`events.jsonl*`, of a
 * rotation or a shipper) takes it along.
 */
export function statePathOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.state`);
}

/** Its name until version 0.1. */
function oldStatePathOf(path: string): string {
  return `${path}.state`;
}

/** Reads the state of a log. Never throws: a log without a state can be written all the same. */
export async function loadState(path: string): Promise<LoadedState> {
  let text: string | undefined;
  try {
    text = await readState(path);
  } catch (error) {
    return { problem: `its state file cannot be read: ${reasonOf(error)}` };
  }
  if (text === undefined) return {};
  try {
    const { crc, ...state } = storedSchema.parse(JSON.parse(text));
    if (crc === undefined || crc === checksum(state)) return { state };
  } catch {
    // Not JSON, or any other text that is not a state.
  }
  return { problem: 'its state file is damaged' };
}

/** @returns undefined where there is no state */
async function readState(path: string): Promise<string | undefined> {
  try {
    return await readText(statePathOf(path));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  try {
    const text = await readText(oldStatePathOf(path));
    await rename(oldStatePathOf(path), statePathOf(path));
    return text;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readText(path: string): Promise<string> {
  return (await readBounded(path, { maxBytes: MAX_BYTES, noFollow: true })).toString('utf8');
}

/**
 * Replaces the state of a log. Whoever reads it sees the old or the new one, also after SIGKILL. Not forced to disk: after
 * a crash of the machine another boot begins, and no state of this one is asked for again.
 */
export async function saveState(path: string, state: FileState): Promise<void> {
  const fresh = `${statePathOf(path)}.new`;
  await rm(fresh, { force: true });
  // Fails where somebody has put a link there in the meantime, instead of writing to where it leads.
  await writeFile(fresh, `${JSON.stringify({ ...state, crc: checksum(state) })}\n`, { mode: FILE_MODE, flag: 'wx' });
  await rename(fresh, statePathOf(path));
}
