import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { listPartitions } from '../../../../agent/store/files.ts';
import { QueryError } from '../../../../agent/store/read/errors.ts';
import { openStore } from '../../../../agent/store/read/partitions.ts';
import { search } from '../../../../agent/store/read/search.ts';
import { prepareSql } from '../../../../agent/store/read/sql.ts';
import { wordsQuery } from '../../../../agent/store/read/words.ts';
import { gapEvent } from '../../../support/fake-helper.ts';
import { BOOT, execs, MIB, StoreFolder, stored } from '../support.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');

function ask(folder: string, sql: string, words?: string): unknown[][] {
  const { rows, problems } = prepareSql(
    { folder, sql, ...(words === undefined ? {} : { words: wordsQuery(words) }) },
    NOW,
  );
  if (problems.length > 0) throw new Error(problems.join());
  return [...rows].map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)));
}

/** A store of several partitions; the newest is still written. */
function several(store: StoreFolder): void {
  const writer = store.writer({ maxBytes: 128 * MIB });
  for (let i = 0; i < 30; i++) writer.write(stored(execs(1 + i * 20, 20, { cwd: 'x'.repeat(60_000) })));
  writer.write(
    stored([gapEvent(601, 610), { type: 'seal', time: '2026-01-01T00:00:00Z', from: 1, to: 610, sent: 600 }]),
  );
  writer.write(stored([{ ...execs(611, 1)[0], rules: [{ title: 'Odd', level: 'high' }], command: 'rare zebra' }]));
}

test('the views span all partitions while they are written', (t) => {
  using store = new StoreFolder();
  several(store);
  t.true(listPartitions(store.folder).length >= 2);
  const [[first, last, count]] = ask(
    store.folder,
    "SELECT min(seq), max(seq), count(*) FROM events WHERE type = 'exec'",
  ) as [number[]];
  t.is(count, last! - first! + 1 - 10, 'numbers in a gap are no events');
  t.is(last, 611);
  t.deepEqual(ask(store.folder, 'SELECT hop, "first", "last", count FROM gaps'), [['ring', 601, 610, 10]]);
  t.deepEqual(ask(store.folder, 'SELECT "from", "to", sent, boot_id FROM seals'), [[1, 610, 600, BOOT]]);
  t.deepEqual(ask(store.folder, 'SELECT title, level, seq, boot_id FROM alerts'), [['Odd', 'high', 611, BOOT]]);
  t.deepEqual(ask(store.folder, 'SELECT seq FROM events', 'zebra'), [[611]]);
  t.deepEqual(ask(store.folder, "SELECT json ->> '$.argv[1]' FROM events ORDER BY seq DESC LIMIT 1"), [['node']]);
  t.deepEqual(ask(store.folder, "SELECT us('now-1h'), us('2026-05-01T12:00:00Z')"), [
    [(NOW - 3_600_000) * 1000, NOW * 1000],
  ]);
  t.deepEqual(
    ask(
      store.folder,
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT sum(i) FROM n;',
    ),
    [[6]],
  );
});

test('an empty store has the views too', (t) => {
  using store = new StoreFolder();
  const writer = store.writer();
  writer.commit({ bootId: BOOT, last: 1 });
  writer.close();
  t.deepEqual(ask(store.folder, 'SELECT * FROM events'), []);
});

for (const statement of [
  'DELETE FROM records',
  'DELETE FROM p0.records',
  'INSERT INTO p0.state VALUES (1, 2)',
  'DROP VIEW events',
  'CREATE TABLE x(a)',
  'CREATE TEMP TABLE x(a)',
  "ATTACH 'other.db' AS other",
  "ATTACH ':memory:' AS other",
  'DETACH p0',
  'PRAGMA query_only = OFF',
  'PRAGMA p0.user_version = 7',
  'PRAGMA writable_schema = ON',
  'VACUUM',
  "VACUUM INTO 'copy.db'",
  'REINDEX',
  'ANALYZE',
  'BEGIN IMMEDIATE',
  'COMMIT',
  'SAVEPOINT s',
  "SELECT load_extension('x')",
  "SELECT fts3_tokenizer('simple')",
  'SELECT * FROM pragma_journal_mode',
  'CREATE VIRTUAL TABLE v USING fts5(x)',
  'EXPLAIN DELETE FROM p0.records',
])
  test(`--sql cannot ${statement}`, (t) => {
    using store = new StoreFolder().with(...execs(1, 3));
    const before = readdirSync(store.folder).map((name) => [
      name,
      readFileSync(join(store.folder, name)).toString('base64'),
    ]);
    t.throws(() => ask(store.folder, statement), { instanceOf: QueryError });
    const after = readdirSync(store.folder).map((name) => [
      name,
      readFileSync(join(store.folder, name)).toString('base64'),
    ]);
    t.deepEqual(after, before);
  });

for (const [statement, message] of [
  ['SELECT 1; SELECT 2', /give one statement/],
  ['SELECT 1; -- nothing\n', undefined],
  ['SELEC 1', /syntax error/],
  ['SELECT * FROM processes', /there is no processes; there are events, alerts, gaps, seals/],
  ['', /statement/],
  [`SELECT 1${'+1'.repeat(500)}`, /Expression tree is too large/],
] as const)
  test(`--sql ${JSON.stringify(statement.slice(0, 30))}: ${String(message)}`, (t) => {
    using store = new StoreFolder().with(...execs(1, 3));
    if (message === undefined) t.deepEqual(ask(store.folder, statement), [[1]]);
    else t.throws(() => ask(store.folder, statement), { instanceOf: QueryError, message });
  });

test('a damaged partition is told, and the others answer', (t) => {
  using store = new StoreFolder();
  several(store);
  const [oldest, ...rest] = listPartitions(store.folder);
  const bytes = readFileSync(oldest!.path);
  writeFileSync(oldest!.path, bytes.fill(0xa5, 16, 4096));
  {
    using read = openStore(store.folder);
    const lines = [...search(read, { limit: 1000, deadline: Infinity })];
    t.is(read.problems.length, 1);
    t.true(read.problems[0]!.includes(oldest!.path), read.problems[0]);
    t.true(lines.length > 100, String(lines.length));
  }
  const { rows, problems } = prepareSql({ folder: store.folder, sql: 'SELECT count(*) FROM events' }, NOW);
  t.is(problems.length, 1);
  t.true(Number([...rows][0]![0]) > 100);
  // Damage further inside shows only when it is read.
  const inside = readFileSync(rest[0]!.path).fill(0xa5, 8192 * 20);
  writeFileSync(rest[0]!.path, inside);
  using read = openStore(store.folder);
  t.true([...search(read, { limit: 1000, deadline: Infinity })].length > 0);
  t.is(read.problems.length, 2, read.problems.join());
});
