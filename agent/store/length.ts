import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { DamageError } from './errors.ts';
import { sizeOf } from './files.ts';

/**
 * Checks that a partition which is not written has all its pages: SQLite takes a file that was cut within its last page for whole,
 * and what is missing reads as empty. One with a write-ahead log passes: its newest pages are in the log alone.
 *
 * Looks at names only. To open and close the file, or its `-shm`, would take away the locks that SQLite holds for this process
 * (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 * @throws {DamageError} when pages are missing
 */
export function checkLength(db: DatabaseSync, path: string): void {
  // While this transaction reads, a log that it needs stays where it is.
  db.exec('BEGIN');
  try {
    const expected = numberOf(db, 'page_count') * numberOf(db, 'page_size');
    if (sizeOf(`${path}-wal`) > 0) return;
    const { size } = statSync(path);
    if (size < expected) throw new DamageError(`it has ${size} bytes of ${expected}: somebody cut it`);
  } finally {
    if (db.isTransaction) db.exec('COMMIT');
  }
}

function numberOf(db: DatabaseSync, pragma: 'page_count' | 'page_size'): number {
  return Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}
