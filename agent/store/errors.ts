import { reasonOf, systemCode } from '../errors.ts';

/** The store cannot be used. The message names the place and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** SQLite can read the partition, but the partition does not hold the bytes that were stored in it. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
}

/** Result codes of SQLite: https://www.sqlite.org/rescode.html */
const ERROR = 1;
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const SCHEMA = 17;
const CONSTRAINT = 19;
const MISMATCH = 20;
const FORMAT = 24;
const NOT_A_DATABASE = 26;

/** Extended: the file was moved or removed while it was open. */
const MOVED = 8 | (4 << 8);

/** The primary result code of SQLite; undefined for other errors. */
function resultOf(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return systemCode(thrown) === 'ERR_SQLITE_ERROR' && typeof code === 'number' ? code & 0xff : undefined;
}

/** Faults of stored bytes for which SQLite has no code of their own: in a line, in the full-text index, in the tables' definitions. */
const DAMAGE_TEXT = /malformed JSON|invalid fts5 file format|malformed database schema/u;

/** Whether the bytes of a database are not what was written. */
export function isDamage(thrown: unknown): boolean {
  if (thrown instanceof DamageError) return true;
  const result = resultOf(thrown);
  if (result === ERROR) return DAMAGE_TEXT.test(reasonOf(thrown));
  return result === CORRUPT || result === NOT_A_DATABASE;
}

/**
 * Whether a partition cannot be used any more, as the writer finds out. Its statements never change, so what SQLite finds wrong
 * with one is wrong with the bytes: a table that is gone, a number that is taken. One that somebody moved away while it was written
 * is beyond use as well.
 */
export function isBeyondUse(thrown: unknown): boolean {
  const result = resultOf(thrown);
  if (isDamage(thrown) || (thrown as { errcode?: unknown } | null)?.errcode === MOVED) return true;
  return [ERROR, SCHEMA, CONSTRAINT, MISMATCH, FORMAT].includes(result!);
}

/** Whether another connection is in the way. */
export const isBusy = (thrown: unknown): boolean => resultOf(thrown) === BUSY;

/** Whether the disk has no room. */
export const isFull = (thrown: unknown): boolean => resultOf(thrown) === FULL;
