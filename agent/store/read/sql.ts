import { constants, DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { reasonOf } from '../../errors.ts';
import { conditionOf } from './condition.ts';
import { QueryError } from './errors.ts';
import { openStore, problemOf } from './partitions.ts';
import { isDamage } from '../errors.ts';
import type { PartitionFile } from '../files.ts';

export interface SqlQuery {
  readonly folder: string;
  readonly sql: string;
  /** Of FTS5: the views then have only what fits. */
  readonly words?: string | undefined;
}

/** The statement of a user over the views of a store, ready to run. */
export interface PreparedSql {
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly SQLOutputValue[]>;
  readonly problems: readonly string[];
}

const MIB = 1024 * 1024;

/** Limits on a statement: https://www.sqlite.org/limits.html */
const LIMITS = {
  length: 64 * MIB,
  sqlLength: 100_000,
  column: 200,
  exprDepth: 200,
  compoundSelect: 60,
  vdbeOp: 1_000_000,
};

/** The actions of a query that reads. All others are refused: https://www.sqlite.org/c3ref/c_alter_table.html */
const READS: ReadonlySet<number> = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
]);

/** Functions that reach beyond the query. */
const FORBIDDEN_FUNCTIONS: ReadonlySet<string> = new Set(['load_extension', 'fts3_tokenizer', 'fts5']);

const fromLine = (...names: string[]): ReadonlyArray<readonly [string, string]> =>
  names.map((name) => [name, `LINE ->> '$.${name}'`] as const);

const EVENT_COLUMNS: ReadonlyArray<readonly [name: string, sql: string]> = [
  ['time', "LINE ->> '$.time'"],
  ['time_us', 'r.time_us'],
  ['type', 'r.type'],
  ['seq', 'r.seq'],
  ['pid', 'r.pid'],
  ['ppid', "LINE ->> '$.ppid'"],
  ['uid', 'r.uid'],
  ['exe', 'r.exe'],
  ['command', 'r.command'],
  ['start_time', 'r.start_time'],
  ['parent_pid', 'r.parent_pid'],
  ['parent_start_time', 'r.parent_start_time'],
  ['alert', 'r.alert'],
  ['boot_id', '(SELECT boot_id FROM PARTITION.boots WHERE id = r.boot)'],
  ...fromLine('host_id', 'stream', 'seal'),
  ['json', 'LINE'],
];

/** The views: which records each has, and which columns. */
const VIEWS: ReadonlyArray<{
  readonly name: string;
  readonly where: string;
  readonly columns: ReadonlyArray<readonly [name: string, sql: string]>;
}> = [
  { name: 'events', where: "r.type NOT IN ('gap', 'seal')", columns: EVENT_COLUMNS },
  {
    name: 'alerts',
    where: 'r.alert = 1',
    columns: [
      ['level', "LINE ->> '$.rules[0].level'"],
      ['title', "LINE ->> '$.rules[0].title'"],
      ['rules', "LINE -> '$.rules'"],
      ...EVENT_COLUMNS,
    ],
  },
  {
    name: 'gaps',
    where: "r.type = 'gap'",
    columns: [
      ...fromLine('time'),
      ['time_us', 'r.time_us'],
      ...fromLine('hop', 'first', 'last', 'count', 'cause', 'uncounted', 'host_id', 'boot_id', 'stream', 'seal'),
      ['json', 'LINE'],
    ],
  },
  {
    name: 'seals',
    where: "r.type = 'seal'",
    columns: [
      ...fromLine('time'),
      ['time_us', 'r.time_us'],
      ...fromLine('host_id', 'host', 'boot_id', 'stream', 'seal', 'from', 'to', 'sent', 'filtered', 'gap', 'lines'),
      ...fromLine('sum', 'prev', 'reason'),
      ['json', 'LINE'],
    ],
  },
];

/**
 * Prepares a statement over the views `events`, `alerts`, `gaps` and `seals`, each of which spans all partitions. The statement
 * can only read: it cannot write, attach, load or set anything. It has no limit of time or memory here: it blocks the thread.
 * @param now milliseconds since 1970, for the function `us`
 * @throws {QueryError}
 */
export function prepareSql({ folder, sql, words }: SqlQuery, now: number): PreparedSql {
  const store = openStore(folder);
  const files = store.partitions.map(({ file }) => file);
  store[Symbol.dispose]();
  const db = new DatabaseSync(':memory:', { timeout: 2000, defensive: true, allowExtension: false, limits: LIMITS });
  db.exec('PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;');
  db.function('us', { deterministic: true }, (time) => microsecondsOf(String(time), now));
  const problems = [...store.problems, ...attach(db, files)];
  const names = attachedOf(db);
  for (const view of VIEWS) db.exec(viewSql(view, names, words));
  db.exec('PRAGMA query_only = ON');
  db.setAuthorizer((action, first, second) => {
    // The full-text index asks whether another connection has changed it.
    if (action === constants.SQLITE_PRAGMA && first === 'data_version' && second === null) return constants.SQLITE_OK;
    if (!READS.has(action)) return constants.SQLITE_DENY;
    if (action === constants.SQLITE_FUNCTION && FORBIDDEN_FUNCTIONS.has(String(second).toLowerCase()))
      return constants.SQLITE_DENY;
    return action === constants.SQLITE_READ && first === null ? constants.SQLITE_DENY : constants.SQLITE_OK;
  });
  const statement = prepare(db, sql);
  return {
    columns: statement.columns().map(({ name }) => name),
    rows: rowsOf(statement, (error) => faultOf(error, db, files)),
    problems,
  };
}

function attach(db: DatabaseSync, files: readonly PartitionFile[]): string[] {
  const problems: string[] = [];
  for (const [i, file] of files.entries()) {
    try {
      db.prepare(`ATTACH ? AS p${i}`).run(`${pathToFileURL(file.path).href}?mode=ro`);
      db.prepare(`SELECT 1 FROM p${i}.records LIMIT 1`).get();
    } catch (error) {
      const problem = problemOf(file, error);
      if (problem !== undefined) problems.push(problem);
      // The views are made of those that are attached.
      if (attachedOf(db).includes(`p${i}`)) db.exec(`DETACH p${i}`);
    }
  }
  return problems;
}

/** The partitions that are attached, newest first. */
function attachedOf(db: DatabaseSync): string[] {
  return db
    .prepare('SELECT name FROM pragma_database_list')
    .all()
    .map(({ name }) => name as string)
    .filter((name) => /^p\d+$/.test(name));
}

/** The line is looked up only for columns that a statement uses: scans of the others do not read it. */
const inPartition = (sql: string, partition: string): string =>
  sql.replace('LINE', '(SELECT line FROM PARTITION.lines WHERE id = r.id)').replace('PARTITION', partition);

function viewSql(
  { name, where, columns }: (typeof VIEWS)[number],
  partitions: readonly string[],
  words: string | undefined,
): string {
  // A quote in what is looked for ends nothing: it is doubled, as SQL has it.
  const matches = (partition: string): string =>
    words === undefined
      ? ''
      : ` AND r.id IN (SELECT rowid FROM ${partition}.words WHERE words MATCH '${words.replaceAll("'", "''")}')`;
  const parts = partitions.map(
    (partition) =>
      `SELECT ${columns.map(([column, sql]) => `${inPartition(sql, partition)} AS "${column}"`).join(', ')}
       FROM ${partition}.records r WHERE ${where}${matches(partition)}`,
  );
  const none = `SELECT ${columns.map(([column]) => `NULL AS "${column}"`).join(', ')} WHERE 0`;
  return `CREATE TEMP VIEW ${name} AS ${parts.length === 0 ? none : parts.join(' UNION ALL ')}`;
}

function prepare(db: DatabaseSync, sql: string): StatementSync {
  let statement: StatementSync;
  try {
    statement = db.prepare(sql);
    // Whole numbers can be larger than JavaScript's.
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
  } catch (error) {
    throw new QueryError(explained(reasonOf(error)), { cause: error });
  }
  // SQLite takes the first statement alone, and would leave out the rest without a word.
  const rest = sql.slice(sql.indexOf(statement.sourceSQL) + statement.sourceSQL.length);
  if (/\S/.test(rest.replaceAll(/;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\//g, '')))
    throw new QueryError('give one statement; another begins behind the first ";"');
  return statement;
}

function* rowsOf(statement: StatementSync, fault: (error: unknown) => string): Generator<readonly SQLOutputValue[]> {
  try {
    for (const row of statement.iterate()) yield row as unknown as readonly SQLOutputValue[];
  } catch (error) {
    throw new QueryError(fault(error), { cause: error });
  }
}

/** Says why a statement broke off; of damage, which partitions have it: a statement needs them all. */
function faultOf(error: unknown, db: DatabaseSync, files: readonly PartitionFile[]): string {
  if (!isDamage(error)) return explained(reasonOf(error));
  db.setAuthorizer(null);
  const attached = attachedOf(db);
  const damaged = files.filter((_, i) => attached.includes(`p${i}`) && isDamaged(db, `p${i}`)).map(({ path }) => path);
  if (damaged.length === 0) return explained(reasonOf(error));
  return `${damaged.join(', ')}: damaged (${reasonOf(error)}); --sql needs every partition it reads: ask with a condition, which leaves damage out, or move the file away`;
}

function isDamaged(db: DatabaseSync, name: string): boolean {
  try {
    if (db.prepare(`SELECT 1 FROM ${name}.lines WHERE NOT json_valid(line) LIMIT 1`).get() !== undefined) return true;
    return Object.values(db.prepare(`PRAGMA ${name}.quick_check(1)`).get() ?? {})[0] !== 'ok';
  } catch {
    return true;
  }
}

function explained(reason: string): string {
  if (reason === 'not authorized' || /^not authorized to use function|^prohibited/.test(reason))
    return 'the statement would do more than read; only SELECT is allowed';
  const [, table] = /^no such table: (.*)$/.exec(reason) ?? [];
  return table === undefined
    ? reason
    : `there is no ${table}; there are ${VIEWS.map(({ name }) => name).join(', ')} (docs/query.md)`;
}

/** `us('now-1h')`: a time as the short form writes it, in microseconds. */
function microsecondsOf(text: string, now: number): number {
  const value = /^now\b/i.test(text.trim()) ? text : `'${text.replaceAll("'", "''")}'`;
  return conditionOf(`time = ${value}`, now).from!;
}
