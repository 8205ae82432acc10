import { chmodSync, closeSync, openSync, readSync, renameSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { NO_NUMBER } from '../events/item.ts';
import type { Position } from '../events/position.ts';
import { DamageError, isBusy } from './errors.ts';
import { bytesOf, removePartition, sizeOf, unfinishedFile, type PartitionFile } from './files.ts';
import { CACHE_BYTES, MAX_INDEXED_CHARACTERS, WAL_BYTES } from './limits.ts';
import { rowOf } from './row.ts';
import { checkPartition, createTables } from './schema.ts';

/** Lines to be stored, each with its newline. */
export interface StoredBatch {
  /** Names the batch, so that one that is sent again is stored once. */
  readonly token: string;
  readonly lines: Uint8Array;
  /** Where each line ends in `lines`. */
  readonly ends: Uint32Array;
  readonly bootId: string | undefined;
  /** The last number among the lines; NO_NUMBER where none has one. */
  readonly last: number;
}

/** How long a write waits for another connection, in milliseconds: readers never lock, so that only somebody's own tool can. */
const BUSY_MS = 1000;

/** A partition that is open for writing. Everything blocks the thread; every error is SQLite's or {@link StoreError}. */
export class Partition {
  readonly file: PartitionFile;
  /** When it was made, in milliseconds since 1970: none of its events was stored earlier. */
  readonly created: number;
  readonly #db: DatabaseSync;
  readonly #insertRecord: StatementSync;
  readonly #insertLine: StatementSync;
  readonly #insertWords: StatementSync;
  readonly #setState: StatementSync;
  readonly #getState: StatementSync;
  readonly #boots = new Map<string, number>();
  #next: number;
  #position: Position | undefined;

  private constructor(file: PartitionFile, db: DatabaseSync) {
    this.file = file;
    this.#db = db;
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
      PRAGMA journal_size_limit = ${WAL_BYTES}; PRAGMA cache_size = -${CACHE_BYTES / 1024};`);
    this.#insertRecord = db.prepare('INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)');
    this.#insertLine = db.prepare('INSERT INTO lines VALUES (?,?)');
    this.#insertWords = db.prepare('INSERT INTO words(rowid, command) VALUES (?,?)');
    this.#setState = db.prepare('INSERT INTO state VALUES (?,?) ON CONFLICT(key) DO UPDATE SET value = excluded.value');
    this.#getState = db.prepare('SELECT value FROM state WHERE key = ?');
    this.created = createdOf(this.#state('created'));
    this.#position = positionOf(this.#state('position'));
    this.#next = Number(db.prepare('SELECT coalesce(max(id), 0) + 1 AS next FROM records').get()!['next']);
  }

  /** Makes a new partition that goes on at a position. It gets its name when its tables are there: one that is empty was cut. */
  static create(file: PartitionFile, mode: number, created: number, position: Position | undefined): Partition {
    const unfinished = unfinishedFile(file);
    removePartition(unfinished);
    try {
      closeSync(openSync(unfinished.path, 'wx', mode));
      // Whatever the umask is. What SQLite makes beside it gets the same mode.
      chmodSync(unfinished.path, mode);
      const db = new DatabaseSync(unfinished.path, { timeout: BUSY_MS });
      try {
        createTables(db, {
          created: String(created),
          ...(position === undefined ? {} : { position: JSON.stringify(position) }),
        });
      } finally {
        closeQuietly(db);
      }
      renameSync(unfinished.path, file.path);
      return Partition.open(file);
    } catch (error) {
      removePartition(unfinished);
      removePartition(file);
      throw error;
    }
  }

  static open(file: PartitionFile): Partition {
    const db = new DatabaseSync(file.path, { timeout: BUSY_MS });
    try {
      checkPartition(db, file.path);
      return new Partition(file, db);
    } catch (error) {
      closeQuietly(db);
      throw error;
    }
  }

  /** Everything up to here is stored, in this partition or in one before it. */
  get position(): Position | undefined {
    return this.#position;
  }

  get bytes(): number {
    return bytesOf(this.file);
  }

  /** Stores a batch and how far it goes in one transaction, unless that was done before. */
  insert(batch: StoredBatch): void {
    if (this.#state('batch') === batch.token) return;
    const first = this.#next;
    const position = positionAfter(this.#position, batch);
    this.#transact(() => {
      const text = Buffer.from(batch.lines.buffer, batch.lines.byteOffset, batch.lines.byteLength);
      let start = 0;
      for (const end of batch.ends) {
        this.#insert(text.toString('utf8', start, end - 1), batch.bootId);
        start = end;
      }
      this.#setState.run('batch', batch.token);
      if (position !== undefined) this.#setState.run('position', JSON.stringify(position));
    }, first);
    this.#position = position;
    if (sizeOf(`${this.file.path}-wal`) >= WAL_BYTES) this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }

  commit(position: Position): void {
    this.#transact(() => this.#setState.run('position', JSON.stringify(position)), this.#next);
    this.#position = position;
  }

  #insert(line: string, batchBootId: string | undefined): void {
    const row = rowOf(line);
    const id = this.#next++;
    this.#insertRecord.run(
      id,
      row.timeUs,
      row.type,
      row.alert,
      this.#bootNumber(row.bootId ?? batchBootId),
      row.seq,
      row.pid,
      row.startTime,
      row.parentPid,
      row.parentStartTime,
      row.uid,
      row.exe,
      row.command,
    );
    this.#insertLine.run(id, line);
    if (row.command !== null) this.#insertWords.run(id, row.command.slice(0, MAX_INDEXED_CHARACTERS));
  }

  #bootNumber(bootId: string | undefined): number | null {
    if (bootId === undefined) return null;
    let number = this.#boots.get(bootId);
    if (number === undefined) {
      this.#db.prepare('INSERT INTO boots(boot_id) VALUES (?) ON CONFLICT DO NOTHING').run(bootId);
      number = Number(this.#db.prepare('SELECT id FROM boots WHERE boot_id = ?').get(bootId)!['id']);
      this.#boots.set(bootId, number);
    }
    return number;
  }

  #transact(change: () => void, nextBefore: number): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      change();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#next = nextBefore;
      this.#boots.clear();
      try {
        this.#db.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back already, as it does when the disk is full.
      }
      throw error;
    }
  }

  /** Its lines, the newest first. */
  linesBackwards(): Generator<string> {
    return linesBackwardsIn(this.#db);
  }

  #state(key: string): SQLOutputValue | undefined {
    return this.#getState.get(key)?.['value'];
  }

  /**
   * Closes it as one file without a write-ahead log, which can be read where nobody may write. A reader can be in the way:
   * the log then stays, and nothing is lost ({@link isOneFile}).
   */
  finish(): void {
    try {
      // Outlasting a reader is not worth a pause of all writing.
      this.#db.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE');
    } catch (error) {
      if (!isBusy(error)) throw error;
    } finally {
      closeQuietly(this.#db);
    }
  }

  close(): void {
    closeQuietly(this.#db);
  }
}

/** Facts about a partition that is not written. */
export interface PartitionState {
  readonly created: number;
  readonly position: Position | undefined;
}

/** Looks at a partition that was closed as one file. Changes nothing, so that no reader can be in the way. */
export function stateOf(file: PartitionFile): PartitionState {
  const db = openToRead(file);
  try {
    const get = db.prepare('SELECT value FROM state WHERE key = ?');
    return {
      created: createdOf(get.get('created')?.['value']),
      position: positionOf(get.get('position')?.['value']),
    };
  } finally {
    closeQuietly(db);
  }
}

/** The lines of a partition that is not written, the newest first. */
export function* closedLinesBackwards(file: PartitionFile): Generator<string> {
  const db = openToRead(file);
  try {
    yield* linesBackwardsIn(db);
  } finally {
    closeQuietly(db);
  }
}

function openToRead(file: PartitionFile): DatabaseSync {
  const db = new DatabaseSync(file.path, { readOnly: true, timeout: BUSY_MS });
  try {
    checkPartition(db, file.path);
    return db;
  } catch (error) {
    closeQuietly(db);
    throw error;
  }
}

function* linesBackwardsIn(db: DatabaseSync): Generator<string> {
  for (const { line } of db.prepare('SELECT line FROM lines ORDER BY id DESC').iterate()) {
    if (typeof line !== 'string') throw new DamageError('a line is no text');
    yield line;
  }
}

/** When a partition was made, as it says. @throws {DamageError} */
function createdOf(value: SQLOutputValue | undefined): number {
  const created = Number(value ?? 0);
  if (!Number.isSafeInteger(created)) throw new DamageError('it does not say when it was made');
  return created;
}

/** How far a store is, as a partition says. @throws {DamageError} */
function positionOf(value: SQLOutputValue | undefined): Position | undefined {
  if (value === undefined) return undefined;
  try {
    const { bootId, last } = JSON.parse(String(value)) as Partial<Position>;
    if (typeof bootId === 'string' && Number.isSafeInteger(last)) return { bootId, last: last! };
  } catch {
    // No JSON: as good as any other text that is no position.
  }
  throw new DamageError('it does not say how far it goes');
}

/**
 * Whether a partition that nobody writes was closed as one file: byte 18 of its header says how it is written (SQLite file format, 1.3).
 * @throws {DamageError} when that byte is none that SQLite writes: SQLite would take the file for one that may not be written
 */
export function isOneFile({ path }: PartitionFile): boolean {
  const header = Buffer.alloc(19);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, header, 0, header.length, 0);
  } finally {
    closeSync(descriptor);
  }
  if (header[18]! > 2) throw new DamageError('its header does not say how it is written');
  return header[18] !== 2 && sizeOf(`${path}-wal`) === 0 && sizeOf(`${path}-journal`) === 0;
}

function positionAfter(position: Position | undefined, { bootId, last }: StoredBatch): Position | undefined {
  if (bootId === undefined || last === NO_NUMBER) return position;
  return { bootId, last: position?.bootId === bootId ? Math.max(position.last, last) : last };
}

function closeQuietly(db: DatabaseSync): void {
  try {
    db.close();
  } catch {
    // Closed already, or damaged.
  }
}
