import { cpSync, chmodSync, existsSync, statSync, truncateSync } from 'node:fs';
import test from 'ava';
import { listPartitions } from '../../../agent/store/files.ts';
import { openStore } from '../../../agent/store/read/partitions.ts';
import { search } from '../../../agent/store/read/search.ts';
import { prepareSql } from '../../../agent/store/read/sql.ts';
import { execs, MIB, numbersIn, stored, StoreFolder } from './support.ts';

const HOUR = 3_600_000;
const PAGE_BYTES = 8192;

/** A store of three partitions, each closed. */
function makeStore(store: StoreFolder): string[] {
  let now = Date.now() - 40 * HOUR;
  const writer = store.writer({ maxAgeMs: 80 * HOUR, now: () => now });
  for (let first = 1; first <= 120; first += 60) {
    writer.write(stored(execs(first, 60)));
    now += 10 * HOUR;
    writer.tidy();
  }
  writer.write(stored(execs(121, 60)));
  writer.close();
  return listPartitions(store.folder).map(({ path }) => path);
}

/** How many events two ways of asking find, and what both say of files. */
function ask(folder: string): { found: number; counted: number; problems: string[] } {
  using read = openStore(folder);
  const found = [...search(read, { limit: 1e6, deadline: Infinity })].length;
  const { rows, problems } = prepareSql({ folder, sql: 'SELECT count(*) FROM events' }, 0);
  const [[counted] = []] = [...rows];
  return { found, counted: Number(counted), problems: [...read.problems, ...problems] };
}

/** Lengths that a cut leaves of a file: within the last page, at its edges, within the first page, nothing. */
const CUTS: ReadonlyArray<(size: number) => number> = [
  (size) => size - 1,
  (size) => size - PAGE_BYTES / 2,
  (size) => size - PAGE_BYTES + 1,
  (size) => size - PAGE_BYTES,
  (size) => size - PAGE_BYTES - 1,
  () => PAGE_BYTES,
  () => PAGE_BYTES - 1,
  () => 100,
  () => 1,
  () => 0,
];

for (const [which, at] of [
  ['oldest', 0],
  ['newest', 2],
] as const)
  test(`the ${which} partition is cut, wherever: queries leave it out and name it, and the agent puts it aside`, (t) => {
    using whole = new StoreFolder();
    const path = makeStore(whole)[at]!;
    const { size } = statSync(path);
    t.deepEqual(ask(whole.folder), { found: 180, counted: 180, problems: [] });
    for (const cut of CUTS) {
      using store = new StoreFolder();
      cpSync(whole.folder, store.folder, { recursive: true });
      chmodSync(store.folder, 0o700);
      const own = path.replace(whole.folder, store.folder);
      truncateSync(own, cut(size));
      const { found, counted, problems } = ask(store.folder);
      t.deepEqual([found, counted], [120, 120], `${cut(size)}`);
      t.is(problems.length, 2);
      for (const problem of problems) t.true(problem.startsWith(`${own} is damaged and left out (`), problem);
      const writer = store.writer();
      t.is(store.damaged.length, 1, `${cut(size)}`);
      t.false(existsSync(own));
      t.is(numbersIn(writer).length, 120);
      writer.close();
    }
  });

test('a partition that is written is whole, whatever of it is in the log alone, also after a kill', (t) => {
  using store = new StoreFolder();
  const writer = store.writer({ maxBytes: 2048 * MIB });
  let events = 0;
  // Twice as much as fills the log: it is copied into the file while readers are in the way of parts of it.
  for (let batch = 0; batch < 24; batch++) {
    using reader = openStoreOrNothing(store.folder);
    const holding = reader?.partitions[0]?.db;
    holding?.exec('BEGIN');
    holding?.prepare('SELECT count(*) FROM records').get();
    writer.write(stored(execs(events + 1, 20, { cwd: 'x'.repeat(50_000) })));
    events += 20;
    t.deepEqual(ask(store.folder), { found: events, counted: events, problems: [] });
    using killed = new StoreFolder();
    cpSync(store.folder, killed.folder, { recursive: true, filter: (path) => !path.endsWith('lock.db') });
    chmodSync(killed.folder, 0o700);
    t.deepEqual(ask(killed.folder), { found: events, counted: events, problems: [] });
    holding?.exec('COMMIT');
  }
  writer.close();
  t.deepEqual(ask(store.folder), { found: events, counted: events, problems: [] });
});

function openStoreOrNothing(folder: string): ReturnType<typeof openStore> | undefined {
  return listPartitions(folder).length === 0 ? undefined : openStore(folder);
}
