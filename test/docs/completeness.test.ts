import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DuckDBInstance } from '@duckdb/node-api';
import test, { type ExecutionContext } from 'ava';
import { statements, tryDatabase, type Ask, type SqlRow } from '../support/completeness-sql.ts';
import { sealedStreams, type Row } from '../support/sealed-streams.ts';

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);
const SHAPE = { hosts: 2, numbers: 200 };

/** Compares for 100 seeds; each query must have found something. */
async function compare(t: ExecutionContext, load: (rows: readonly Row[]) => Promise<Ask> | Ask): Promise<void> {
  const found: Record<string, number> = {};
  for (const seed of SEEDS) {
    const { whole, damaged } = await tryDatabase(seed, SHAPE, load);
    t.deepEqual(whole[0], whole[1], `seed ${seed}, nothing is missing`);
    t.deepEqual(damaged[0], damaged[1], `seed ${seed}`);
    for (const [query, answers] of Object.entries(damaged[0])) found[query] = (found[query] ?? 0) + answers.length;
  }
  t.is(Object.keys(found).length, 4);
  for (const [query, answers] of Object.entries(found)) t.true(answers > 10, `${query}: ${answers}`);
}

/** The newest seals of one host are from now, those of the other from long ago. */
const HOSTS = sealedStreams({ seed: 1, hosts: 2, rough: false }).map((row) =>
  row.origin.host === 'walrus-1'
    ? { ...row, text: row.text.replace(/"time":"[^"]*"/u, `"time":"${new Date().toISOString()}"`) }
    : row,
);

/** A database in this process, whose data lie in a folder. */
async function withDuckDb(
  t: ExecutionContext,
  use: (load: (rows: readonly Row[]) => Promise<Ask>) => Promise<void>,
): Promise<void> {
  t.timeout(240_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-duckdb-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await use(async (rows) => {
      // Two files, as after a rotation.
      const half = Math.floor(rows.length / 2);
      for (const [name, part] of [
        ['events.jsonl.1', rows.slice(0, half)],
        ['events.jsonl', rows.slice(half)],
      ] as const)
        writeFileSync(path.join(folder, name), part.map(({ text }) => `${text}\n`).join(''));
      for (const table of ['events', 'gaps', 'seals']) await connection.run(`DROP TABLE IF EXISTS ${table}`);
      await connection.run('DROP VIEW IF EXISTS lines');
      for (const statement of statements('DuckDB'))
        await connection.run(statement.replace("'events.jsonl*'", `'${folder}/events.jsonl*'`));
      return async (title) => (await connection.runAndReadAll(statements(title)[0]!)).getRowObjectsJson() as SqlRow[];
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true });
  }
}

function loadSqlite(rows: readonly Row[]): Ask {
  const database = new DatabaseSync(':memory:');
  const [table, ...rest] = statements('SQLite');
  database.exec(table!);
  const insert = database.prepare('INSERT INTO lines VALUES (?)');
  database.exec('BEGIN');
  for (const { text } of rows) insert.run(text);
  database.exec('COMMIT');
  for (const statement of rest) database.exec(statement);
  return (title) => database.prepare(statements(title)[0]!).all() as SqlRow[];
}

test.serial('DuckDB with the SQL of the page finds exactly what is missing, for 100 seeds', async (t) => {
  await withDuckDb(t, (load) => compare(t, load));
});

test.serial('SQLite with the SQL of the page finds exactly what is missing, for 100 seeds', async (t) => {
  t.timeout(240_000);
  await compare(t, loadSqlite);
});

test.serial('silent hosts are named', async (t) => {
  const silent = (rows: readonly SqlRow[]): unknown[] => rows.map(({ host }) => host);
  t.deepEqual(silent(await loadSqlite(HOSTS)('Silent hosts: SQLite')), ['walrus-0']);
  await withDuckDb(t, async (load) => {
    t.deepEqual(silent(await (await load(HOSTS))('Silent hosts: DuckDB')), ['walrus-0']);
  });
});
