import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf, systemCode } from '../../errors.ts';
import { isDamage } from '../errors.ts';
import { listPartitions, lockPath, type PartitionFile } from '../files.ts';
import { checkPartition } from '../schema.ts';
import { QueryError } from './errors.ts';

/** How long a reader waits for a lock, in milliseconds: a writer holds one only while it closes a partition. */
const BUSY_MS = 2000;

/** A partition that is open for reading. */
export interface ReadPartition {
  readonly file: PartitionFile;
  readonly db: DatabaseSync;
}

/** The partitions of a store, newest first, and why some of them cannot be read. */
export interface ReadStore extends Disposable {
  readonly partitions: ReadPartition[];
  readonly problems: string[];
}

/**
 * Opens a store for reading, while an agent writes it or not. Changes nothing in it.
 * @throws {QueryError} when there is nothing that can be read; the message says what to do
 */
export function openStore(folder: string): ReadStore {
  const partitions: ReadPartition[] = [];
  const problems: string[] = [];
  for (const file of partitionsIn(folder)) {
    const partition = openPartition(file, problems);
    if (partition !== undefined) partitions.push(partition);
  }
  if (partitions.length === 0 && problems.length > 0) throw new QueryError(problems.join('\n'));
  return {
    partitions,
    problems,
    [Symbol.dispose]: () => {
      for (const { db } of partitions) db.close();
    },
  };
}

/** The partitions in a folder, newest first. @throws {QueryError} */
function partitionsIn(folder: string): PartitionFile[] {
  try {
    const files = listPartitions(folder).reverse();
    // An empty answer would say that nothing ran. An agent that has stored nothing yet has left its lock.
    if (files.length === 0 && !existsSync(lockPath(folder)))
      throw new QueryError(
        `${folder} has no file of a store; the agent makes one when it is "store.folder" of its configuration, and it runs`,
      );
    return files;
  } catch (error) {
    if (error instanceof QueryError) throw error;
    switch (systemCode(error)) {
      case 'ENOENT':
        throw new QueryError(
          `there is no folder ${folder}; the agent makes it when "store" is in its configuration and it runs`,
          { cause: error },
        );
      case 'ENOTDIR':
        throw new QueryError(`${folder} is not a folder; name the folder of the store`, { cause: error });
      case 'EACCES':
        throw new QueryError(
          `${folder} may not be read by this user; run the query as the agent's user, or chgrp the folder to a group of yours and chmod 2750 it`,
          { cause: error },
        );
      default:
        throw new QueryError(`${folder} cannot be read: ${reasonOf(error)}`, { cause: error });
    }
  }
}

function openPartition(file: PartitionFile, problems: string[]): ReadPartition | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file.path, { readOnly: true, timeout: BUSY_MS });
    checkPartition(db, file.path);
    return { file, db };
  } catch (error) {
    if (db?.isOpen === true) db.close();
    const problem = problemOf(file, error);
    if (problem !== undefined) problems.push(problem);
    return undefined;
  }
}

/** Says what is wrong with a partition; undefined when it is gone, as the oldest of a running agent can be. */
export function problemOf(file: PartitionFile, error: unknown): string | undefined {
  if (isDamage(error))
    return `${file.path} is damaged and left out (${reasonOf(error)}); the agent puts it aside when it comes upon it`;
  if (!partitionExists(file)) return undefined;
  const reason = reasonOf(error);
  return reason.includes(file.path) ? reason : `${file.path} cannot be read, and is left out: ${reason}`;
}

/** Notes that a line of a partition is left out. One is told for each partition. */
export function leaveOut(store: ReadStore, { path }: PartitionFile, id: unknown): void {
  const problem = `${path} is damaged: `;
  if (!store.problems.some((each) => each.startsWith(problem)))
    store.problems.push(`${problem}record ${String(id)}, and perhaps more, is no JSON any more and left out`);
}

function partitionExists(file: PartitionFile): boolean {
  return listPartitions(file.path.slice(0, file.path.lastIndexOf('store-'))).some(
    ({ ordinal }) => ordinal === file.ordinal,
  );
}
