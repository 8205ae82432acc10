import { systemCode } from '../errors.ts';

/** The store cannot be used. The message names the place and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Result codes of SQLite: https://www.sqlite.org/rescode.html */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** The primary result code of SQLite; undefined for other errors. */
function resultOf(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return systemCode(thrown) === 'ERR_SQLITE_ERROR' && typeof code === 'number' ? code & 0xff : undefined;
}

/** Whether the bytes of a database are not what SQLite wrote. */
export function isDamage(thrown: unknown): boolean {
  const result = resultOf(thrown);
  return result === CORRUPT || result === NOT_A_DATABASE;
}

/** Whether another connection is in the way. */
export const isBusy = (thrown: unknown): boolean => resultOf(thrown) === BUSY;

/** Whether the disk has no room. */
export const isFull = (thrown: unknown): boolean => resultOf(thrown) === FULL;
