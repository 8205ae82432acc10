import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { reasonOf } from '../../errors.ts';
import type { Condition } from './condition.ts';
import { QueryError } from './errors.ts';
import { leaveOut, problemOf, type ReadPartition, type ReadStore } from './partitions.ts';
import { isWholeLine } from './whole-line.ts';

export interface Search {
  readonly condition?: Condition | undefined;
  /** Of FTS5: {@link wordsQuery}. */
  readonly words?: string | undefined;
  /** Whether only events that rules matched are wanted. */
  readonly alertsOnly?: boolean;
  /** Lines at most. */
  readonly limit: number;
  /** When to give up, on the clock of `performance.now`. */
  readonly deadline: number;
}

/** SQLite cannot be interrupted in a statement, so each looks at as many ids as take about this long. */
const STEP_MS = 50;
const IDS = { first: 10_000, least: 1000, most: 10_000_000 };

/** Ids from `from` to `to`. */
interface Ids {
  readonly from: number;
  readonly to: number;
}

/**
 * Finds lines, the newest first. A partition that turns out to be damaged is added to the store's problems, and the others go on.
 * @throws {QueryError} when time is up, or SQLite refuses the condition
 */
export function* search(store: ReadStore, asked: Search): Generator<string> {
  let left = asked.limit;
  for (const partition of store.partitions) {
    if (left <= 0) return;
    try {
      for (const { id, line } of searchPartition(partition, asked, left)) {
        if (!isWholeLine(line)) {
          leaveOut(store, partition.file, id);
          continue;
        }
        left--;
        yield line;
      }
    } catch (error) {
      if (error instanceof QueryError) throw error;
      const problem = problemOf(partition.file, error);
      if (problem !== undefined) store.problems.push(problem);
    }
  }
}

/** A row as SQLite gives it. */
interface Found {
  readonly id?: SQLOutputValue;
  readonly line?: SQLOutputValue;
}

function* searchPartition(partition: ReadPartition, asked: Search, limit: number): Generator<Found> {
  const { db } = partition;
  const { condition, words, deadline, alertsOnly = false } = asked;
  const ids = idsIn(partition, condition);
  if (ids === undefined) return;
  const tests = [
    ...(words === undefined ? ['r.id BETWEEN ? AND ?'] : ['words.rowid BETWEEN ? AND ?', 'words MATCH ?']),
    ...(alertsOnly ? ['r.alert = 1'] : []),
    ...(condition?.namesType === true ? [] : ["r.type <> 'seal'"]),
    ...(condition === undefined ? [] : [condition.sql]),
  ];
  // CROSS JOIN keeps the order: SQLite would else look into the index of words once for each record.
  const [source, by] =
    words === undefined ? ['records r', 'r.id'] : ['words CROSS JOIN records r ON r.id = words.rowid', 'words.rowid'];
  let statement;
  try {
    statement = db.prepare(
      `SELECT l.id AS id, l.line AS line FROM ${source} CROSS JOIN lines l ON l.id = r.id
       WHERE ${tests.join(' AND ')} ORDER BY ${by} DESC LIMIT ?`,
    );
  } catch (error) {
    if (/parser stack overflow|too many|Expression tree is too large/i.test(reasonOf(error)))
      throw new QueryError(`the condition is too large: ${reasonOf(error)}`, { cause: error });
    throw error;
  }
  const values: SQLInputValue[] = [...(words === undefined ? [] : [words]), ...(condition?.values ?? [])];
  let left = limit;
  let step = IDS.first;
  for (let to = ids.to; to >= ids.from && left > 0;) {
    const from = Math.max(ids.from, to - step + 1);
    const began = performance.now();
    for (const row of statement.all(from, to, ...values, left)) {
      left--;
      yield row;
    }
    const now = performance.now();
    to = from - 1;
    if (now > deadline && to >= ids.from && left > 0) throw timeIsUp();
    step = Math.min(IDS.most, Math.max(IDS.least, now - began < STEP_MS ? step * 2 : Math.floor(step / 2)));
  }
}

export const timeIsUp = (): QueryError =>
  new QueryError('the time is up; ask for less, such as time > now-1h, or give it more time with --timeout');

/** The ids that can have the time that is asked for; undefined when none can. */
function idsIn({ db }: ReadPartition, condition: Condition | undefined): Ids | undefined {
  const edge = (sql: string, ...values: number[]): number | null =>
    (db.prepare(`SELECT ${sql} AS value FROM records`).get(...values)?.['value'] as number | null | undefined) ?? null;
  const [first, last] = [edge('min(id)'), edge('max(id)')];
  if (first === null || last === null) return undefined;
  const { from = -Infinity, to = Infinity } = condition ?? {};
  if (from === -Infinity && to === Infinity) return { from: first, to: last };
  const [earliest, latest] = [edge('min(time_us)'), edge('max(time_us)')];
  if (earliest === null || latest === null || earliest > to || latest < from) return undefined;
  if (earliest >= from && latest <= to) return { from: first, to: last };
  const found = db
    .prepare('SELECT min(id) AS first, max(id) AS last FROM records WHERE time_us BETWEEN ? AND ?')
    .get(Math.max(from, earliest), Math.min(to, latest)) as { first: number | null; last: number | null };
  return found.first === null || found.last === null ? undefined : { from: found.first, to: found.last };
}
