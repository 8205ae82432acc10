import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '../errors.ts';
import type { Position } from '../events/position.ts';
import { isBeyondUse, isBusy, StoreError } from './errors.ts';
import {
  bytesOf,
  listDamaged,
  listPartitions,
  lockPath,
  partitionFile,
  prepareFolder,
  putAside,
  removePartition,
  type PartitionFile,
} from './files.ts';
import { MAX_PARTITIONS, PARTITION_SHARE, RESERVE_BYTES } from './limits.ts';
import { closedLinesBackwards, isOneFile, Partition, stateOf, type StoredBatch } from './partition.ts';

export interface WriterOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** A partition is damaged and was put aside. */
  readonly onDamaged: (file: string, reason: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A partition that is not written any more. */
interface Closed {
  readonly file: PartitionFile;
  readonly created: number;
}

/**
 * Writes a store: a row of partitions, each a database, of which the newest is written. The oldest is deleted as a whole, so
 * that no space has to be given back inside a file.
 *
 * Before each batch, all files together are `RESERVE_BYTES` below `max_bytes`, so that they stay below it after the batch. Every
 * call blocks the thread.
 */
export class StoreWriter {
  readonly #options: WriterOptions;
  readonly #now: () => number;
  #mode = 0o600;
  #lock: DatabaseSync | undefined;
  /** Oldest first. */
  #closed: Closed[] = [];
  #current: Partition | undefined;
  /** Everything up to here is stored. */
  #position: Position | undefined;
  #ordinal = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** How far the store is; undefined where that is not known. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Opens what is there. @throws {StoreError} when the store cannot be used; the message says what to do */
  open(): void {
    this.#mode = prepareFolder(this.#options.folder);
    this.#lockFolder();
    try {
      this.#openAll();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #openAll(): void {
    const { folder } = this.#options;
    for (const file of listPartitions(folder)) {
      this.#ordinal = file.ordinal;
      this.#take(file);
    }
    const newest = this.#closed.at(-1);
    if (newest !== undefined && newest.file.ordinal === this.#ordinal) this.#writeOn(newest);
    this.tidy();
  }

  /** Goes on with the newest partition, unless somebody reads it at this moment: another one then begins. */
  #writeOn(newest: Closed): void {
    try {
      this.#guard(newest.file, () => (this.#current = Partition.open(newest.file)));
      // It is open, or was put aside.
      this.#closed.pop();
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }

  /** One agent writes a store. The system takes the lock away when the process ends, however that ends. */
  #lockFolder(): void {
    const { folder } = this.#options;
    const lock = new DatabaseSync(lockPath(folder), { timeout: 0 });
    try {
      lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      if (isBusy(error))
        throw new StoreError(`another agent writes ${folder}; two agents need two folders`, { cause: error });
      throw error;
    }
    this.#lock = lock;
  }

  /** Looks at a partition of an earlier run, and makes it one file where a kill left a log beside it. */
  #take(file: PartitionFile): void {
    this.#guard(file, () => {
      if (!isOneFile(file)) Partition.open(file).finish();
      const { created, position } = stateOf(file);
      this.#position = position;
      this.#closed.push({ file, created });
    });
  }

  /** @returns whether the partition is usable; one that is damaged was put aside */
  #guard(file: PartitionFile, use: () => void): boolean {
    try {
      use();
      return true;
    } catch (error) {
      if (!isBeyondUse(error)) throw error;
      this.#options.onDamaged(putAside(this.#options.folder, file), reasonOf(error));
      return false;
    }
  }

  /** Stores a batch, and how far it goes, in one transaction. A batch with the token of the one before is not stored again. */
  write(batch: StoredBatch): void {
    this.#change((partition) => partition.insert(batch));
  }

  /** The store has everything up to this position that it is going to have. */
  commit(position: Position): void {
    if (position.bootId === this.#position?.bootId && position.last <= this.#position.last) return;
    this.#change((partition) => partition.commit(position));
  }

  /** Changes the newest partition; a new one where that one turns out to be damaged. @throws {StoreError} when the new one is, too */
  #change(change: (partition: Partition) => void): void {
    if (this.#changed(change) || this.#changed(change)) return;
    throw new StoreError(
      `${this.#options.folder}: a new partition was damaged as soon as it was written; look at the disk`,
    );
  }

  #changed(change: (partition: Partition) => void): boolean {
    const partition = this.#partition();
    const isStored = this.#guard(partition.file, () => {
      try {
        change(partition);
      } catch (error) {
        // Renaming an open file would leave SQLite writing to it.
        if (isBeyondUse(error)) partition.close();
        throw error;
      }
    });
    if (isStored) this.#position = partition.position;
    else this.#current = undefined;
    return isStored;
  }

  /** The partition to write to, with room for a batch. */
  #partition(): Partition {
    const { folder, maxBytes } = this.#options;
    this.#noticeRemoval();
    if (this.#current !== undefined && this.#current.bytes >= maxBytes / PARTITION_SHARE) this.#closeCurrent();
    this.#makeRoom(this.#current === undefined ? MAX_PARTITIONS - 1 : MAX_PARTITIONS);
    return (this.#current ??= Partition.create(
      partitionFile(folder, ++this.#ordinal),
      this.#mode,
      this.#now(),
      this.#position,
    ));
  }

  /** SQLite would write on to a file that has no name any more, and all of it would be gone with the end of the process. */
  #noticeRemoval(): void {
    const partition = this.#current;
    if (partition === undefined || existsSync(partition.file.path)) return;
    this.#current = undefined;
    partition.close();
    const { folder, onDamaged } = this.#options;
    onDamaged(putAside(folder, partition.file), 'somebody removed it while it was written');
  }

  #closeCurrent(): void {
    const partition = this.#current;
    if (partition === undefined) return;
    this.#current = undefined;
    // Before it is finished: it counts, whatever goes wrong then.
    this.#closed.push({ file: partition.file, created: partition.created });
    if (!this.#guard(partition.file, () => partition.finish())) this.#closed.pop();
  }

  /** Deletes the oldest until the rest leaves room: damaged ones first, which no query reads. */
  #makeRoom(mostPartitions: number): void {
    const damaged = listDamaged(this.#options.folder);
    const bytes = (): number =>
      [...damaged, ...this.#closed.map(({ file }) => file)].reduce((sum, file) => sum + bytesOf(file), 0) +
      (this.#current?.bytes ?? 0);
    while (this.#closed.length + (this.#current === undefined ? 0 : 1) > mostPartitions) this.#removeOldest();
    while (bytes() + RESERVE_BYTES > this.#options.maxBytes) {
      if (damaged[0] !== undefined) {
        removePartition(damaged[0]);
        damaged.shift();
      } else if (this.#closed.length > 0) this.#removeOldest();
      else return;
    }
  }

  /** It counts until it is gone: on Windows a reader can be in the way. */
  #removeOldest(): void {
    removePartition(this.#closed[0]!.file);
    this.#closed.shift();
  }

  /** Deletes what is too old, and cleans up where a reader was in the way. To be called now and then. */
  tidy(): void {
    const { maxAgeMs } = this.#options;
    const now = this.#now();
    const current = this.#current;
    if (current !== undefined && now - current.created >= maxAgeMs / PARTITION_SHARE) {
      this.#closeCurrent();
      // Made now, so that the position is still known when the partition that has it is deleted.
      this.#partition();
    }
    while (this.#closed[0] !== undefined && now - this.#closed[0].created >= maxAgeMs) this.#removeOldest();
    this.#closed = this.#closed.filter(
      ({ file }) =>
        // Somebody may have removed it.
        existsSync(file.path) &&
        this.#guard(file, () => {
          if (!isOneFile(file)) Partition.open(file).finish();
        }),
    );
  }

  /** Its newest lines first, over all partitions. */
  *linesBackwards(): Generator<string> {
    if (this.#current !== undefined) yield* this.#current.linesBackwards();
    for (const { file } of this.#closed.toReversed()) yield* closedLinesBackwards(file);
  }

  /** Leaves the newest partition as one file too. Safe to call twice. */
  close(): void {
    try {
      this.#closeCurrent();
    } finally {
      this.#lock?.close();
      this.#lock = undefined;
    }
  }
}
