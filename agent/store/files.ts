import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { reasonOf, systemCode } from '../errors.ts';
import { StoreError } from './errors.ts';

const FOLDER_MODE = 0o700;
const PARTITION = /^store-(\d{8})\.db$/;

/** Held by the agent that writes the store, and left in its folder. */
export const lockPath = (folder: string): string => join(folder, 'lock.db');

/** Endings of the files that SQLite writes beside a database. */
const COMPANIONS = ['-wal', '-shm', '-journal'] as const;

/** A database of the store: events that were stored one after the other. */
export interface PartitionFile {
  readonly path: string;
  /** Counts up; the highest is the newest. */
  readonly ordinal: number;
}

export function partitionFile(folder: string, ordinal: number): PartitionFile {
  return { path: join(folder, `store-${String(ordinal).padStart(8, '0')}.db`), ordinal };
}

/** A partition that is being made: its name is not listed. */
export function unfinishedFile({ path, ordinal }: PartitionFile): PartitionFile {
  return { path: `${path}.new`, ordinal };
}

/** The partitions in a folder, oldest first. @throws the system's error */
export function listPartitions(folder: string): PartitionFile[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const [, digits] = PARTITION.exec(name) ?? [];
      return digits === undefined ? [] : [{ path: join(folder, name), ordinal: Number(digits) }];
    })
    .sort((a, b) => a.ordinal - b.ordinal);
}

/** All files of a partition that can be there. */
const filesOf = ({ path }: PartitionFile): string[] => [path, ...COMPANIONS.map((suffix) => path + suffix)];

/** Bytes that a partition takes, with its write-ahead log. */
export function bytesOf(file: PartitionFile): number {
  return filesOf(file).reduce((sum, path) => sum + sizeOf(path), 0);
}

/** @returns 0 where there is no such file */
export function sizeOf(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Removes a partition. The companions go first: a database without its log is one from a moment earlier, a log alone is nothing. */
export function removePartition(file: PartitionFile): void {
  for (const path of filesOf(file).reverse()) rmSync(path, { force: true });
}

/** Where damaged partitions are put. */
const DAMAGED = 'damaged';

/** Puts a damaged partition aside, for somebody to look at. */
export function putAside(folder: string, file: PartitionFile): string {
  const aside = join(folder, DAMAGED);
  mkdirSync(aside, { mode: FOLDER_MODE, recursive: true });
  for (const path of filesOf(file)) {
    try {
      renameSync(path, join(aside, basename(path)));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
  return join(aside, basename(file.path));
}

/** The damaged partitions that were put aside, oldest first. */
export function listDamaged(folder: string): PartitionFile[] {
  try {
    return listPartitions(join(folder, DAMAGED));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Makes the folder where it is missing, and checks that no other user can write to it.
 * @returns the mode of the files in it: the group may read them where it may read the folder
 * @throws {StoreError} saying what to do
 */
export function prepareFolder(folder: string): number {
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
    chmodSync(folder, FOLDER_MODE);
  } catch (error) {
    if (systemCode(error) === 'ENOENT')
      throw new StoreError(`${dirname(folder)} does not exist; make it, writable for the agent's user`, {
        cause: error,
      });
    if (systemCode(error) !== 'EEXIST')
      throw new StoreError(`${folder} cannot be made: ${reasonOf(error)}`, { cause: error });
  }
  const stats = lstatSync(folder);
  if (stats.isSymbolicLink()) throw new StoreError(`${folder} is a symbolic link; name the folder itself`);
  if (!stats.isDirectory()) throw new StoreError(`${folder} is not a folder`);
  const uid = process.geteuid?.();
  if (uid === undefined) return 0o600;
  if (stats.uid !== uid)
    throw new StoreError(`${folder} belongs to user ${stats.uid}, and the agent runs as ${uid}; chown it`);
  if ((stats.mode & 0o027) !== 0)
    throw new StoreError(
      `${folder} has mode ${(stats.mode & 0o777).toString(8)}; chmod 700 it, or 2750 so that its group may query`,
    );
  return (stats.mode & 0o050) === 0o050 ? 0o640 : 0o600;
}
