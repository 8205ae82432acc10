import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { listPartitions } from '../../../agent/store/files.ts';
import { conditionOf } from '../../../agent/store/read/condition.ts';
import { QueryError } from '../../../agent/store/read/errors.ts';
import { openStore } from '../../../agent/store/read/partitions.ts';
import { search } from '../../../agent/store/read/search.ts';
import { prepareSql } from '../../../agent/store/read/sql.ts';
import { treeOf } from '../../../agent/store/read/tree.ts';
import { isDamage } from '../../../agent/store/errors.ts';
import { randomOf } from '../support/random.ts';
import { BOOT, execs, MIB, numbersIn, stored, StoreFolder } from './support.ts';

const SEEDS = Number(process.env['STORE_SEEDS'] ?? 40);
const HOUR = 3_600_000;
const EVENTS = 120;

/** A store of several partitions. */
function several(store: StoreFolder): void {
  let now = Date.now() - 40 * HOUR;
  const writer = store.writer({ maxBytes: 256 * MIB, maxAgeMs: 80 * HOUR, now: () => now });
  for (let first = 1; first <= EVENTS; first += 40) {
    writer.write(stored(execs(first, 40, { stream: 'store' })));
    now += 10 * HOUR;
    writer.tidy();
  }
  writer.close();
}

/** Changes a file as a failing disk could. @returns what was done, for the message of a test */
function harm(path: string, random: (below: number) => number): string {
  const bytes = readFileSync(path);
  const at = random(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random(9000));
  switch (random(4)) {
    case 0:
      bytes[at]! ^= 1 << random(8);
      writeFileSync(path, bytes);
      return `bit at ${at}`;
    case 1:
      writeFileSync(path, bytes.subarray(0, 1 + at));
      return `cut at ${at}`;
    case 2: {
      const fill = random(2) * 0xa5;
      writeFileSync(path, bytes.fill(fill, at, end));
      return `${fill} from ${at} to ${end}`;
    }
    default: {
      const line = bytes.indexOf('{"pid"', at);
      if (line >= 0) bytes[line + random(60)] = 0x22;
      writeFileSync(path, bytes);
      return `text of a line at ${line}`;
    }
  }
}

/** Everything that readers may say is a QueryError, and each line that they give is whole. */
function readAll(folder: string): void {
  const tries: ReadonlyArray<() => unknown> = [
    ...[{}, { condition: conditionOf("cwd like '%e%'", 0) }, { words: '"node"' }].map((asked) => (): void => {
      using store = openStore(folder);
      for (const line of search(store, { limit: 1000, deadline: Infinity, ...asked })) JSON.parse(line);
    }),
    () => {
      using store = openStore(folder);
      const pid = (execs(1, 1)[0] as { pid: number }).pid;
      for (const { line } of treeOf(store, { pid, limit: 1000, deadline: Infinity }).lines) JSON.parse(line);
    },
    ...['SELECT count(*) FROM events', 'SELECT stream, json FROM events'].map((sql) => () => [
      ...prepareSql({ folder, sql }, 0).rows,
    ]),
  ];
  for (const attempt of tries) {
    try {
      attempt();
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
    }
  }
}

test('whatever a disk does to a partition: queries answer or say why, and the agent writes on', (t) => {
  using whole = new StoreFolder();
  several(whole);
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomOf(seed);
    using store = new StoreFolder();
    cpSync(whole.folder, store.folder, { recursive: true });
    chmodSync(store.folder, 0o700);
    const partitions = listPartitions(store.folder);
    const { path } = partitions[random(partitions.length)]!;
    const where = `seed ${seed}, ${path}: ${harm(path, random)}`;
    t.notThrows(() => readAll(store.folder), where);
    try {
      const writer = store.writer();
      writer.write(stored(execs(500, 5)));
      writer.commit({ bootId: 'another', last: 7 });
      writer.write(stored(execs(505, 5)));
      writer.tidy();
      t.deepEqual(newest(() => numbersIn(writer)) ?? [509], [509], where);
      writer.close();
    } catch (error) {
      // A file that says that another version wrote it is left where it is, and the message names it.
      t.regex((error as Error).message, /of version|is no partition of a store/u, where);
    }
  }
});

/** The last number, unless damage that nobody has written to yet is in the way. */
function newest(numbers: () => number[]): number[] | undefined {
  try {
    return numbers().slice(-1);
  } catch (error) {
    if (isDamage(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

for (const [what, statement] of [
  ['the position is no JSON', "UPDATE state SET value = '{' WHERE key = 'position'"],
  ['the position is another object', "UPDATE state SET value = '{}' WHERE key = 'position'"],
  ['the time of its making is no number', "UPDATE state SET value = 'x' WHERE key = 'created'"],
  ['the full-text index says nothing of itself', 'UPDATE words_config SET v = 0'],
  ['a table is gone', 'DROP TABLE boots'],
] as const)
  test(`a partition in which ${what} is put aside, and the store goes on`, (t) => {
    using store = new StoreFolder().with(...execs(1, 3));
    const { path } = listPartitions(store.folder)[0]!;
    const db = new DatabaseSync(path, { defensive: false });
    db.exec(statement);
    db.close();
    const writer = store.writer();
    writer.write(stored(execs(4, 3)));
    t.is(store.damaged.length, 1);
    t.true(store.damaged[0]!.includes(path.slice(path.lastIndexOf('/'))), store.damaged[0]);
    t.deepEqual(numbersIn(writer), [4, 5, 6]);
    writer.close();
  });

test('a number that is taken puts a partition aside, also where only a position is to be kept', (t) => {
  using store = new StoreFolder();
  const writer = store.writer();
  writer.write(stored(execs(1, 3)));
  const { path } = listPartitions(store.folder)[0]!;
  const db = new DatabaseSync(path);
  db.exec('INSERT INTO lines VALUES (4, 5); DROP TABLE state');
  db.close();
  writer.commit({ bootId: BOOT, last: 9 });
  t.is(store.damaged.length, 1);
  t.deepEqual(writer.position, { bootId: BOOT, last: 9 });
  writer.close();
});

for (const which of ['oldest', 'newest'] as const)
  test(`the ${which} partition is removed while the agent runs: it goes on`, (t) => {
    using store = new StoreFolder();
    several(store);
    t.is(listPartitions(store.folder).length, 4);
    const writer = store.writer();
    rmSync(listPartitions(store.folder).at(which === 'oldest' ? 0 : -1)!.path);
    t.notThrows(() => writer.tidy());
    writer.write(stored(execs(500, 1)));
    t.is(numbersIn(writer).at(-1), 500);
    writer.close();
    const again = store.writer();
    t.is(numbersIn(again).at(-1), 500);
    again.close();
  });

test('a line that is no JSON any more is left out and told, and a statement that needs it names the file', (t) => {
  using store = new StoreFolder().with(...execs(1, 3));
  const { path } = listPartitions(store.folder)[0]!;
  const db = new DatabaseSync(path);
  db.exec("UPDATE lines SET line = 'no' WHERE id = 2");
  db.close();
  {
    using read = openStore(store.folder);
    const seqs = [...search(read, { limit: 9, deadline: Infinity })].map(
      (line) => (JSON.parse(line) as { seq: 1 }).seq,
    );
    t.deepEqual(seqs, [3, 1] as number[]);
    t.deepEqual(read.problems, [`${path} is damaged: record 2, and perhaps more, is no JSON any more and left out`]);
  }
  const { rows } = prepareSql({ folder: store.folder, sql: 'SELECT stream FROM events' }, 0);
  const error = t.throws(() => [...rows], { instanceOf: QueryError });
  t.true(error.message.startsWith(`${path}: damaged (malformed JSON)`), error.message);
});
