import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { listPartitions } from '../../../agent/store/files.ts';
import { MAX_PARTITIONS } from '../../../agent/store/limits.ts';
import { microseconds } from '../../../agent/store/row.ts';
import { BOOT, execs, MIB, numbersIn, StoreFolder, stored } from './support.ts';

const HOUR = 3_600_000;

test('what is stored is there after a restart, with its position', (t) => {
  using store = new StoreFolder();
  const first = store.writer();
  t.is(first.position, undefined);
  first.write(stored(execs(1, 3)));
  first.write(stored(execs(4, 2)));
  first.close();
  const second = store.writer();
  t.deepEqual(second.position, { bootId: BOOT, last: 5 });
  t.deepEqual(numbersIn(second), [1, 2, 3, 4, 5]);
  second.commit({ bootId: BOOT, last: 9 });
  second.commit({ bootId: BOOT, last: 8 });
  second.close();
  t.deepEqual(store.writer().position, { bootId: BOOT, last: 9 });
});

test('a batch that is sent again is stored once', (t) => {
  using store = new StoreFolder();
  const writer = store.writer();
  const batch = stored(execs(1, 3));
  writer.write(batch);
  writer.write(batch);
  t.deepEqual(numbersIn(writer), [1, 2, 3]);
  writer.close();
});

test('a batch is stored as a whole with its position, or not at all', (t) => {
  using store = new StoreFolder();
  const writer = store.writer();
  writer.write(stored(execs(1, 3)));
  const broken = stored(execs(4, 3));
  broken.lines.set(Buffer.from('!'), broken.ends[1]);
  t.throws(() => writer.write(broken), { instanceOf: SyntaxError });
  t.deepEqual(writer.position, { bootId: BOOT, last: 3 });
  t.deepEqual(numbersIn(writer), [1, 2, 3]);
  writer.write(stored(execs(4, 3)));
  t.deepEqual(numbersIn(writer), [1, 2, 3, 4, 5, 6]);
  writer.close();
  t.deepEqual(store.writer().position, { bootId: BOOT, last: 6 });
});

test('another boot begins its own numbers', (t) => {
  using store = new StoreFolder();
  const writer = store.writer();
  writer.write(stored(execs(100, 3)));
  writer.write(stored(execs(1, 2), { bootId: 'another' }));
  t.deepEqual(writer.position, { bootId: 'another', last: 2 });
  writer.close();
});

test('all files together never take more than max_bytes, a reader that holds the log included', (t) => {
  using store = new StoreFolder();
  const maxBytes = 128 * MIB;
  const writer = store.writer({ maxBytes });
  let reader: DatabaseSync | undefined;
  let most = 0;
  let held = 0;
  for (let batch = 0; batch < 160; batch++) {
    writer.write(
      stored(execs(batch * 500, 500, { command: `/bin/true ${'x y z '.repeat(100)}`, cwd: '/'.repeat(600) })),
    );
    most = Math.max(most, store.bytes);
    if (batch === 20) {
      const [newest] = listPartitions(store.folder).reverse();
      reader = new DatabaseSync(newest!.path, { readOnly: true });
      reader.exec('BEGIN');
      held = Number(reader.prepare('SELECT count(*) AS n FROM records').get()!['n']);
    }
    if (batch === 60) {
      t.is(
        Number(reader!.prepare('SELECT count(*) AS n FROM records').get()!['n']),
        held,
        'the reader sees its moment',
      );
      reader!.close();
      writer.tidy();
    }
    t.true(listPartitions(store.folder).length <= MAX_PARTITIONS);
  }
  t.true(most <= maxBytes, `${most} bytes`);
  t.true(most > maxBytes / 4, `${most} bytes: it was not filled`);
  const numbers = numbersIn(writer);
  t.is(numbers.at(-1), 160 * 500 - 1);
  t.true(numbers[0]! > 0, 'the oldest are gone');
  t.is(numbers.length, numbers.at(-1)! - numbers[0]! + 1, 'and no others');
  writer.close();
  t.deepEqual(
    readdirSync(store.folder).filter((name) => name.endsWith('-wal')),
    [],
  );
});

test('the longest line fits', (t) => {
  using store = new StoreFolder();
  const maxBytes = 160 * MIB;
  const writer = store.writer({ maxBytes });
  for (let i = 1; i <= 12; i++) {
    const words = 'word '.repeat(1.6 * MIB);
    writer.write(stored([{ ...execs(i, 1)[0], command: words, argv: [words.slice(0, 7 * MIB)] }]));
    t.true(store.bytes <= maxBytes, `${store.bytes} bytes`);
  }
  t.is(numbersIn(writer).at(-1), 12);
  writer.close();
});

test('a log that a reader held up is cleaned up when the reader has gone', (t) => {
  using store = new StoreFolder();
  let now = 0;
  const writer = store.writer({ maxAgeMs: 8000, now: () => now });
  writer.write(stored(execs(1, 3)));
  const { path } = listPartitions(store.folder)[0]!;
  const reader = new DatabaseSync(path, { readOnly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM records').get();
  writer.write(stored(execs(4, 3)));
  now = 1000;
  writer.tidy();
  writer.write(stored(execs(7, 3)));
  t.true(existsSync(`${path}-wal`), 'it was in the way');
  reader.close();
  now = 1001;
  writer.tidy();
  t.false(existsSync(`${path}-wal`));
  t.is(readFileSync(path)[18], 1, 'and whoever may only read can open the file');
  t.deepEqual(numbersIn(writer), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  writer.close();
});

test('a query that reads while the agent starts does not keep it from starting', (t) => {
  using store = new StoreFolder().with(...execs(1, 3));
  const reader = new DatabaseSync(listPartitions(store.folder)[0]!.path, { readOnly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM records').get();
  const writer = store.writer();
  writer.write(stored(execs(4, 3)));
  t.is(reader.prepare('SELECT count(*) AS n FROM records').get()!['n'], 3);
  t.deepEqual(numbersIn(writer), [1, 2, 3, 4, 5, 6]);
  reader.close();
  writer.close();
  t.deepEqual(store.writer().position, { bootId: BOOT, last: 6 });
});

test('an event is gone at the latest max_age after it was stored, and the position outlives it', (t) => {
  using store = new StoreFolder();
  let now = Date.parse('2026-01-01T00:00:00Z');
  const writer = store.writer({ maxAgeMs: 8 * HOUR, now: () => now });
  const stored_at = new Map<number, number>();
  for (let i = 1; i <= 40; i++) {
    writer.tidy();
    writer.write(stored(execs(i, 1)));
    stored_at.set(i, now);
    for (const number of numbersIn(writer)) t.true(now - stored_at.get(number)! < 8 * HOUR);
    t.true(listPartitions(store.folder).length <= MAX_PARTITIONS);
    now += HOUR / 2;
  }
  t.true(numbersIn(writer).length >= 13, 'seven eighths of it are there');
  now += 100 * HOUR;
  writer.tidy();
  writer.tidy();
  t.deepEqual(numbersIn(writer), []);
  writer.close();
  t.deepEqual(store.writer({ now: () => now }).position, { bootId: BOOT, last: 40 });
});

for (const [what, damage] of [
  ['no database', (path: string) => writeFileSync(path, 'x'.repeat(20_000))],
  ['cut off', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 8192))],
] as const)
  test(`a partition that is ${what} is put aside and told, and the rest goes on`, (t) => {
    using store = new StoreFolder();
    const big = { cwd: 'x'.repeat(60_000) };
    const first = store.writer({ maxBytes: 80 * MIB });
    for (let i = 0; i < 12; i++) first.write(stored(execs(1 + i * 20, 20, big)));
    first.close();
    const partitions = listPartitions(store.folder);
    t.true(partitions.length >= 2);
    damage(partitions.at(-1)!.path);
    const second = store.writer({ maxBytes: 80 * MIB });
    t.is(store.damaged.length, 1);
    t.true(store.damaged[0]!.startsWith(join(store.folder, 'damaged')), store.damaged[0]);
    const kept = numbersIn(second).at(-1)!;
    t.deepEqual(second.position, { bootId: BOOT, last: kept }, 'what was lost is asked for again');
    second.write(stored(execs(kept + 1, 5)));
    t.is(numbersIn(second).at(-1), kept + 5);
    second.close();
  });

test('damaged partitions count, and go before any other', (t) => {
  using store = new StoreFolder().with(...execs(1, 3));
  mkdirSync(join(store.folder, 'damaged'));
  const aside = (ordinal: number): string => join(store.folder, `damaged/store-0000000${ordinal}.db`);
  for (const ordinal of [7, 8]) {
    writeFileSync(aside(ordinal), '');
    truncateSync(aside(ordinal), 40 * MIB);
  }
  const writer = store.writer({ maxBytes: 128 * MIB });
  writer.write(stored(execs(4, 3)));
  t.deepEqual([existsSync(aside(7)), existsSync(aside(8))], [false, true]);
  t.deepEqual(numbersIn(writer), [1, 2, 3, 4, 5, 6]);
  t.true(store.bytes <= 128 * MIB);
  writer.close();
});

test('damage that shows while it is written is put aside, and the batch is stored in a new partition', (t) => {
  using store = new StoreFolder();
  const first = store.writer();
  for (let i = 0; i < 40; i++) first.write(stored(execs(1 + i * 200, 200)));
  first.close();
  const { path } = listPartitions(store.folder)[0]!;
  const bytes = readFileSync(path);
  // Behind the first page, which holds the schema: rows and indexes.
  bytes.fill(0xa5, 8192 * 12);
  writeFileSync(path, bytes);
  const second = store.writer();
  second.write(stored(execs(9001, 3)));
  t.is(store.damaged.length, 1, 'one partition was damaged');
  t.deepEqual(numbersIn(second), [9001, 9002, 9003]);
  second.close();
});

test('what a kill left while a partition was made is removed', (t) => {
  using store = new StoreFolder().with(...execs(1, 2));
  for (const suffix of ['', '-journal', '-wal'])
    writeFileSync(join(store.folder, `store-00000002.db.new${suffix}`), 'x');
  const writer = store.writer({ now: () => Date.now() + 29 * 24 * HOUR });
  t.deepEqual(writer.position, { bootId: BOOT, last: 2 });
  writer.write(stored(execs(3, 1)));
  t.deepEqual(numbersIn(writer), [1, 2, 3]);
  t.deepEqual(store.damaged, []);
  t.is(listPartitions(store.folder).length, 2);
  t.deepEqual(
    readdirSync(store.folder).filter((name) => name.includes('new')),
    [],
  );
  writer.close();
});

test('a partition of another version stops the start, and stays', (t) => {
  using store = new StoreFolder().with(...execs(1, 2));
  const { path } = listPartitions(store.folder)[0]!;
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  t.throws(() => store.writer(), { message: /version 99, and this program knows version 1/ });
  t.true(existsSync(path));
});

test('two writers need two folders', (t) => {
  using store = new StoreFolder();
  const writer = store.writer();
  t.throws(() => store.writer(), { message: /another agent writes .*; two agents need two folders/ });
  writer.close();
  store.writer().close();
});

test('the folder has to be the agent’s own; its group may read where it may enter', (t) => {
  using store = new StoreFolder();
  mkdirSync(store.folder);
  chmodSync(store.folder, 0o777);
  t.throws(() => store.writer(), { message: /has mode 777; chmod 700 it, or 2750/ });
  for (const [folder, files] of [
    [0o700, 0o600],
    [0o2750, 0o640],
  ] as const) {
    chmodSync(store.folder, folder);
    const writer = store.writer({ maxAgeMs: 8 });
    writer.write(stored(execs(1, 1)));
    const [newest] = listPartitions(store.folder).reverse();
    for (const suffix of ['', '-wal', '-shm']) t.is(statSync(newest!.path + suffix).mode & 0o777, files, suffix);
    writer.close();
  }
  const link = join(store.root, 'link');
  symlinkSync(store.folder, link);
  t.throws(() => store.writer({ folder: link }), { message: /symbolic link/ });
  t.throws(() => store.writer({ folder: join(store.root, 'no/such') }), { message: /no does not exist; make it/ });
});

test('times are read to the microsecond', (t) => {
  t.is(microseconds('2023-03-15T13:20:00.123456789Z'), 1_678_886_400_123_456);
  t.is(microseconds('2023-03-15T13:20:00Z'), 1_678_886_400_000_000);
  t.is(microseconds('2023-03-15T14:20:00.5+01:00'), 1_678_886_400_500_000);
  for (const text of ['', 'yesterday', '2023-03-15', '2023-13-45T00:00:00Z']) t.is(microseconds(text), null);
});
