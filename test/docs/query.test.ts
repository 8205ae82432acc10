import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test from 'ava';
import { conditionOf } from '../../agent/store/read/condition.ts';
import { prepareSql } from '../../agent/store/read/sql.ts';
import { wordsQuery } from '../../agent/store/read/words.ts';
import { execs, StoreFolder } from '../agent/store/support.ts';
import { gapEvent } from '../support/fake-helper.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const PAGE = page('query.md');

const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, block]) => block!);

function run(sql: string): unknown[] {
  using store = new StoreFolder().with(...execs(1, 3), gapEvent(4, 5));
  return [...prepareSql({ folder: store.folder, sql }, Date.now()).rows];
}

test('each statement of the page runs', (t) => {
  const statements = [
    ...blocks(PAGE, 'sql'),
    ...blocks(PAGE, 'sh').flatMap((block) => [...block.matchAll(/query --sql '([^']*)'/g)].map(([, sql]) => sql!)),
  ];
  t.true(statements.length >= 5);
  for (const statement of statements) t.notThrows(() => run(statement), statement);
});

test('the statement for DuckDB runs over files of the agent', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-duckdb-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, events: readonly object[]): void =>
    writeFileSync(path.join(folder, name), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  write('events.jsonl', [...execs(1, 3), gapEvent(4, 5)]);
  write('events.jsonl.1', execs(6, 2));
  const [, sql] = /duckdb -c "(.*)"/.exec(PAGE)!;
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.run(sql!.replace('/var/log/platform-probes', folder));
  t.deepEqual(
    (await result.getRows()).map(([exe, runs]) => [exe, Number(runs)]),
    [
      ['/usr/bin/env', 5],
      [null, 1],
    ],
  );
});

test('each condition and each word of the page is understood', (t) => {
  const lines = blocks(PAGE, 'sh').flatMap((block) => block.split('\n'));
  const conditions = lines.flatMap((line) => /^probes-agent query (?:--alerts )?"([^"]*)"/.exec(line)?.[1] ?? []);
  t.true(conditions.length >= 6);
  for (const condition of conditions) t.notThrows(() => conditionOf(condition, Date.now()), condition);
  const words = lines.flatMap((line) => /--match '([^']*)'/.exec(line)?.[1] ?? []);
  t.true(words.length > 0);
  for (const word of words) t.notThrows(() => wordsQuery(word), word);
});

test('the columns of the page are those of the views', (t) => {
  using store = new StoreFolder().with(...execs(1, 1));
  const columnsOf = (view: string): readonly string[] =>
    prepareSql({ folder: store.folder, sql: `SELECT * FROM ${view}` }, 0).columns;
  const documented = (view: string): string[] => {
    const [, cell] = new RegExp(`^\\| \`${view}\` \\| (.*) \\|$`, 'm').exec(PAGE)!;
    return [...cell!.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name!);
  };
  for (const view of ['events', 'gaps', 'seals']) t.deepEqual(documented(view), [...columnsOf(view)], view);
  t.deepEqual([...columnsOf('alerts')].slice(3), [...columnsOf('events')]);
});

test('the queries that prove completeness run over the store', (t) => {
  const [, section] = /\n## Queries\n([^]*?)\n## /.exec(page('completeness.md'))!;
  const queries = section!
    .split('\n### ')
    .slice(1)
    .filter((part) => !/: (?:DuckDB|PostgreSQL)\n/.test(part))
    .flatMap((part) => blocks(part, 'sql'));
  t.true(queries.length >= 3);
  for (const query of queries) t.notThrows(() => run(query), query);
});
