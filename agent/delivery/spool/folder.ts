import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { reasonOf, systemCode } from '../../errors.ts';
import { readBounded } from '../../files/read-bounded.ts';
import { SpoolError } from './errors.ts';
import { FILE_MODE, openFile, ordinalOf, readSegmentHeader, SPOOL_VERSION, type SegmentFile } from './segment-file.ts';

const FOLDER_MODE = 0o700;
const META = 'spool.json';
const MAX_META_BYTES = 4096;
const CURSOR = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})\.cursor$/;

/** The end of the name of a file that holds an output's place. */
export const CURSOR_SUFFIX = '.cursor';

/** Damaged bytes that are put aside: so many files of so many bytes. */
const QUARANTINE = { files: 16, bytes: 1024 * 1024 };

const metaSchema = z.object({ version: z.int(), id: z.string().min(1).max(64), crc: z.int() });

/** Makes the folder where there is none, and checks that nobody else can read or write it. @throws {SpoolError} */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (systemCode(error) === 'ENOENT')
      throw new SpoolError(`${dirname(folder)} does not exist; make it, writable for the agent's user`, {
        cause: error,
      });
    if (systemCode(error) !== 'EEXIST') throw new SpoolError(`it cannot be made: ${reasonOf(error)}`, { cause: error });
  }
  await checkFolder(folder, process.geteuid?.());
}

/**
 * @param uid whom it must belong to
 * @returns whom it belongs to
 * @throws {SpoolError} when the folder is not there, or not its owner's alone
 */
export async function checkFolder(folder: string, uid: number | undefined): Promise<number | undefined> {
  const stats = await lstat(folder).catch((error: unknown) => {
    throw new SpoolError(systemCode(error) === 'ENOENT' ? 'there is no such folder' : reasonOf(error), {
      cause: error,
    });
  });
  if (stats.isSymbolicLink()) throw new SpoolError('it is a symbolic link; name the folder itself');
  if (!stats.isDirectory()) throw new SpoolError('it is not a folder');
  if (process.geteuid === undefined) return undefined;
  if (uid !== undefined && stats.uid !== uid)
    throw new SpoolError(`it belongs to user ${stats.uid}, and the agent runs as ${uid}`);
  if ((stats.mode & 0o077) !== 0)
    throw new SpoolError(`others can reach it (mode ${(stats.mode & 0o777).toString(8)}); chmod 700 it`);
  return stats.uid;
}

/** The segments in a folder, oldest first. */
export async function listSegments(folder: string): Promise<SegmentFile[]> {
  const segments: SegmentFile[] = [];
  for (const name of await readdir(folder)) {
    const first = ordinalOf(name);
    if (first === undefined) continue;
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isFile() === true) segments.push({ path, first, size: stats.size });
  }
  return segments.sort((a, b) => a.first - b.first);
}

/** The outputs that have a cursor in a folder. */
export async function listCursors(folder: string): Promise<string[]> {
  return (await readdir(folder)).flatMap((name) => CURSOR.exec(name)?.[1] ?? []);
}

export function cursorPath(folder: string, output: string): string {
  return join(folder, `${output}${CURSOR_SUFFIX}`);
}

/** The identity of a spool. A damaged file is replaced by what the segments say. */
export interface Identity {
  readonly id: string;
  /** Why it had to be found out anew. */
  readonly problem?: string;
  /** Whether `spool.json` holds it. */
  readonly isKept: boolean;
}

/** Reads who the spool is. Changes nothing. @throws {SpoolError} when it is of another version */
export async function identify(folder: string, segments: readonly SegmentFile[], uid?: number): Promise<Identity> {
  let problem: string | undefined;
  try {
    const meta = metaSchema.parse(
      JSON.parse((await readBounded(join(folder, META), { maxBytes: MAX_META_BYTES, noFollow: true })).toString()),
    );
    if (meta.crc !== checksum(meta)) problem = 'its checksum does not fit';
    else if (meta.version === SPOOL_VERSION) return { id: meta.id, isKept: true };
    else throw otherVersion(meta.version);
  } catch (error) {
    if (error instanceof SpoolError) throw error;
    problem = systemCode(error) === 'ENOENT' ? undefined : 'it cannot be read';
    if (problem === undefined && segments.length > 0) problem = 'it is missing';
  }
  for (const { path } of segments.toReversed()) {
    const id = await idOf(path, uid);
    if (id !== undefined) return { id, isKept: false, ...(problem === undefined ? {} : { problem }) };
  }
  return { id: randomUUID(), isKept: false, ...(problem === undefined ? {} : { problem }) };
}

function otherVersion(version: number): SpoolError {
  return new SpoolError(
    `it is of version ${version}, and this agent knows version ${SPOOL_VERSION}. Let the agent that wrote it deliver what is in it, or name another folder`,
  );
}

async function idOf(path: string, uid: number | undefined): Promise<string | undefined> {
  try {
    const file = await openFile(path, false, uid);
    try {
      return (await readSegmentHeader(file))?.header.spoolId;
    } finally {
      await file.close();
    }
  } catch {
    // Reading goes on with the next segment; this one is reported when its turn comes.
    return undefined;
  }
}

/** Writes who the spool is. */
export async function saveIdentity(folder: string, id: string): Promise<void> {
  const meta = { version: SPOOL_VERSION, id };
  const fresh = join(folder, `${META}.new`);
  await rm(fresh, { force: true });
  await writeFile(fresh, `${JSON.stringify({ ...meta, crc: checksum(meta) })}\n`, {
    mode: FILE_MODE,
    flag: 'wx',
    flush: true,
  });
  await rename(fresh, join(folder, META));
  await syncFolder(folder);
}

function checksum({ version, id }: { version: number; id: string }): number {
  return crc32(`${version} ${id}`);
}

/** Makes names in the folder survive a crash of the machine. Windows has no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Puts bytes of a file aside, for somebody to look at. Never throws: it is no loss that they are not kept. */
export async function quarantine(
  folder: string,
  path: string,
  name: string,
  { offset, end }: { offset: number; end: number },
): Promise<void> {
  const aside = join(folder, 'quarantine');
  try {
    await mkdir(aside, { mode: FOLDER_MODE, recursive: true });
    const there = await readdir(aside);
    if (there.includes(name)) return;
    const bytes = Buffer.alloc(Math.min(end - offset, QUARANTINE.bytes));
    const file = await openFile(path);
    try {
      await file.read(bytes, 0, bytes.length, offset);
    } finally {
      await file.close();
    }
    // Names begin with an ordinal: the first is the oldest.
    const oldest = there.sort().slice(0, Math.max(0, there.length + 1 - QUARANTINE.files));
    for (const old of oldest) await rm(join(aside, old), { force: true });
    await writeFile(join(aside, name), bytes, { mode: FILE_MODE, flag: 'wx' });
  } catch {
    // The disk is full or failing, and that is said elsewhere.
  }
}
