import type { DatabaseSync } from 'node:sqlite';
import { DamageError, StoreError } from './errors.ts';
import { checkLength } from './length.ts';

/** Marks a file as a partition of a store (`PRAGMA application_id`): "PPst". */
const APPLICATION_ID = 0x5050_7374;

/** Of the tables below (`PRAGMA user_version`). */
const VERSION = 1;

/**
 * The tables of a partition.
 *
 * `records` is narrow, so that a scan of it reads little; `lines` holds the whole line of the same `id`. Ids follow the order in
 * which records were stored. The full-text index has no copy of the text.
 */
const TABLES = `
CREATE TABLE state(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE boots(id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE records(
  id INTEGER PRIMARY KEY,
  time_us INTEGER,
  type TEXT NOT NULL,
  alert INTEGER NOT NULL,
  boot INTEGER,
  seq INTEGER,
  pid INTEGER,
  start_time INTEGER,
  parent_pid INTEGER,
  parent_start_time INTEGER,
  uid INTEGER,
  exe TEXT,
  command TEXT
) STRICT;
CREATE TABLE lines(id INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
CREATE INDEX by_time ON records(time_us);
CREATE INDEX by_process ON records(pid, start_time);
CREATE INDEX by_parent ON records(parent_pid, parent_start_time);
CREATE INDEX by_rare ON records(type) WHERE alert = 1 OR type IN ('gap', 'seal');
CREATE VIRTUAL TABLE words USING fts5(command, content='', columnsize=0);
`;

/** Makes the tables of a new partition, and what `state` says at its beginning. */
export function createTables(db: DatabaseSync, state: Readonly<Record<string, string>>): void {
  db.exec(`PRAGMA page_size = 8192; PRAGMA application_id = ${APPLICATION_ID}; BEGIN IMMEDIATE`);
  db.exec(TABLES);
  for (const [key, value] of Object.entries(state)) db.prepare('INSERT INTO state VALUES (?, ?)').run(key, value);
  // Everything is in one file then, and a reader that opens it does not hold up its writer.
  db.exec(`PRAGMA user_version = ${VERSION}; COMMIT; PRAGMA journal_mode = WAL`);
}

/**
 * Checks that a database is a partition that can be used, and has all its pages.
 * @throws {DamageError} when it has no tables, as one that was cut to nothing, or lacks pages
 * @throws {StoreError} when it is no partition, or one of another version
 */
export function checkPartition(db: DatabaseSync, path: string): void {
  if (db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined) throw new DamageError('it is empty');
  checkVersion(db, path);
  checkLength(db, path);
}

function checkVersion(db: DatabaseSync, path: string): void {
  const [id, version] = ['application_id', 'user_version'].map(
    (name) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0],
  );
  if (id === APPLICATION_ID && version === VERSION) return;
  throw new StoreError(
    id === APPLICATION_ID
      ? `${path} is of version ${String(version)}, and this program knows version ${VERSION}: use the program that wrote it, or move the file away`
      : `${path} is no partition of a store; move the file away`,
  );
}
