import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { systemCode } from '../errors.ts';
import { DamageError } from './errors.ts';

/** The file formats of SQLite: https://www.sqlite.org/fileformat2.html#the_write_ahead_log and https://www.sqlite.org/walformat.html */
const WAL = { headerBytes: 32, saltAt: 16, frameHeaderBytes: 24, frameSaltAt: 8, saltBytes: 8 };
const INDEX = { bytes: 100, lastFrameAt: 16, backfilledAt: 96 };

/**
 * Checks that a partition has all its pages. SQLite takes one whose file was cut within the last page for whole, and one that is
 * written for as long as its log says: what is missing then reads as empty.
 *
 * A partition that is written has its newest pages in the write-ahead log alone. The check holds a transaction that reads, so that
 * neither file can lose what belongs to it meanwhile.
 * @throws {DamageError} when pages are missing
 */
export function checkLength(db: DatabaseSync, path: string): void {
  db.exec('BEGIN');
  try {
    const pages = numberOf(db, 'page_count');
    const pageBytes = numberOf(db, 'page_size');
    // Read first: what was copied from the log up to here is in the file by now.
    const { backfilled, last } = indexOf(`${path}-shm`);
    const bytes = withFile(path, (file) => fstatSync(file).size) ?? 0;
    const whole = Math.floor(bytes / pageBytes);
    if (whole >= pages) return;
    const inLog = pagesInLog(`${path}-wal`, pageBytes, { after: backfilled, last });
    for (let page = whole + 1; page <= pages; page++)
      if (!inLog.has(page)) throw new DamageError(`it has ${bytes} bytes of ${pages * pageBytes}: somebody cut it`);
  } finally {
    if (db.isTransaction) db.exec('COMMIT');
  }
}

function numberOf(db: DatabaseSync, pragma: 'page_count' | 'page_size'): number {
  return Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

/** How far the log goes and how much of it is in the file, in frames, as the connections to it agree on. */
function indexOf(path: string): { backfilled: number; last: number } {
  const bytes = withFile(path, (file) => bytesAt(file, 0, INDEX.bytes));
  // Without an index SQLite reads no log.
  if (bytes === undefined) return { backfilled: 0, last: 0 };
  // In the byte order of the machine: that of all processors which the agent runs on.
  return { backfilled: bytes.readUInt32LE(INDEX.backfilledAt), last: bytes.readUInt32LE(INDEX.lastFrameAt) };
}

/** The pages of which the log has a copy that need not be in the file: those of frames behind `after`. */
function pagesInLog(path: string, pageBytes: number, { after, last }: { after: number; last: number }): Set<number> {
  const pages = new Set<number>();
  withFile(path, (file) => {
    const salt = bytesAt(file, WAL.saltAt, WAL.saltBytes);
    for (let frame = after; frame < last; frame++) {
      const at = WAL.headerBytes + frame * (WAL.frameHeaderBytes + pageBytes);
      const header = bytesAt(file, at, WAL.frameHeaderBytes);
      // Frames with another salt are of an earlier round of the log.
      if (
        salt === undefined ||
        header?.compare(salt, 0, WAL.saltBytes, WAL.frameSaltAt, WAL.frameSaltAt + WAL.saltBytes) !== 0
      )
        return;
      pages.add(header.readUInt32BE(0));
    }
  });
  return pages;
}

/** @returns undefined where the file is shorter */
function bytesAt(file: number, at: number, length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length);
  return readSync(file, bytes, 0, length, at) === length ? bytes : undefined;
}

/** @returns undefined where there is no such file. @throws the system's other errors */
function withFile<T>(path: string, use: (file: number) => T): T | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}
