import { mkdirSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Gate } from '../support.ts';
import { SmallDisk } from './small-disk.ts';
import { begin, events, gotBy, TemporaryFolder, until, type Got } from './support.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot && process.platform === 'linux' ? test.serial : test.skip;
const skipped = isRoot ? '' : ' [skipped: needs root]';

/** Throws unless 1 to `last` are there, in order, each once, in events or gaps. @returns the gaps */
function checkAll(got: readonly Got[], last: number): Got[] {
  let next = 1;
  for (const record of got) {
    if (record.first !== next || record.count !== record.last - record.first + 1)
      throw new Error(`${JSON.stringify(record)} where ${next} is due`);
    next = record.last + 1;
  }
  if (next !== last + 1) throw new Error(`the end is ${next - 1}, not ${last}`);
  return got.filter(({ cause }) => cause !== undefined);
}

const dead = (): Gate => {
  const gate = new Gate();
  gate.outcomes.push(...Array.from({ length: 99_999 }, () => new Error('away')));
  return gate;
};

const sizeOf = (folder: TemporaryFolder): number => folder.segments.reduce((sum, path) => sum + statSync(path).size, 0);

test('drop_oldest: the oldest segments go, and each output gets one gap that counts exactly', async (t) => {
  using folder = new TemporaryFolder();
  const maxBytes = 200_000;
  const life = await begin(folder.spool, { maxBytes, tailBytes: 1 });
  const healthy = await life.output('healthy');
  await life.output('dead', { gate: dead() });
  await life.output('soc', { alertsOnly: true, gate: dead() });
  for (let n = 1; n <= 2000; n += 10) {
    life.log.append(events(n, 10, { bytes: 500, alertEvery: 7 }), n + 9);
    await life.spool.tick();
    t.true(sizeOf(folder) <= maxBytes);
  }
  await until(() => healthy.gate.taken.length === 2000);
  await life.stop();
  const again = await begin(folder.spool, { maxBytes });
  const back = await again.output('dead');
  const soc = await again.output('soc', { alertsOnly: true });
  await again.output('healthy');
  again.log.append(events(2001, 1, { alertEvery: 1 }), 2001);
  await until(() => [back, soc].every((output) => gotBy(output).at(-1)?.last === 2001));
  await again.stop();
  const [gap, ...others] = checkAll(gotBy(back), 2001);
  t.deepEqual(others, []);
  t.like(gap, { first: 1, hop: 'spool', cause: 'spool_full' });
  t.true(gap!.last > 1000);
  t.is(gotBy(healthy).filter(({ cause }) => cause !== undefined).length, 0);
  const [lost, ...alerts] = gotBy(soc);
  t.like(lost, { first: 1, cause: 'spool_full' });
  t.is(lost!.count + alerts.length, Math.floor(2000 / 7) + 1);
  t.true(life.raised.some(({ event }) => event === 'SpoolFull'));
});

test('drop_oldest over several boots: each boot has its own gap', async (t) => {
  using folder = new TemporaryFolder();
  const options = { maxBytes: 100_000, segmentBytes: 10_000 };
  for (const bootId of ['one', 'two', 'three', 'four']) {
    const life = await begin(folder.spool, { ...options, bootId });
    await life.output('dead', { gate: dead() });
    for (let n = 1; n <= (bootId === 'four' ? 160 : 60); n += 5) {
      life.log.append(events(n, 5, { bytes: 600 }), n + 4);
      await life.spool.tick();
    }
    await life.stop();
  }
  const life = await begin(folder.spool, { ...options, bootId: 'four' });
  const back = await life.output('dead');
  life.log.append(events(161, 1), 161);
  await until(() => gotBy(back).at(-1)?.last === 161);
  await life.stop();
  const got = gotBy(back);
  // The oldest boots are gone as a whole, one in part, and the newest is there.
  t.like(got.slice(0, 2), [
    { first: 1, last: 60, count: 60, cause: 'spool_full' },
    { first: 1, last: 60, count: 60, cause: 'spool_full' },
  ]);
  t.is(
    got.reduce((sum, { count }) => sum + count, 0),
    3 * 60 + 161,
  );
  const starts = got.flatMap(({ first }, i) => (first === 1 ? [i] : []));
  t.is(starts.length, 4);
  checkAll(got.slice(starts[2], starts[3]), 60);
  checkAll(got.slice(starts[3]), 161);
});

test('block: nothing more is taken until there is room, and nothing is lost', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool, {
    maxBytes: 100_000,
    segmentBytes: 10_000,
    whenFull: 'block',
    tailBytes: 50_000,
  });
  const slow = await life.output('slow');
  slow.gate.hold();
  let next = 1;
  // As the pipeline does: it waits when it is asked to.
  const feed = (async () => {
    while (next <= 3000) {
      life.log.append(events(next, 10, { bytes: 500 }), next + 9);
      next += 10;
      await life.spool.blocked;
      await life.spool.tick();
    }
  })();
  await until(() => life.raised.some(({ event }) => event === 'SpoolFull'));
  await until(() => life.spool.blocked !== undefined);
  const stopped = next;
  for (let i = 0; i < 50; i++) await new Promise((resolve) => void setTimeout(resolve, 1));
  t.is(next, stopped);
  t.true(sizeOf(folder) <= 100_000);
  slow.gate.release();
  await feed;
  await until(() => slow.gate.taken.length === 3000);
  await life.stop();
  t.deepEqual(checkAll(gotBy(slow), 3000), []);
  t.true(life.raised.some(({ event }) => event === 'SpoolRecovered'));
});

test('block: an agent that stops while it is blocked has the rest sent again', async (t) => {
  using folder = new TemporaryFolder();
  const options = { maxBytes: 50_000, segmentBytes: 10_000, tailBytes: 1 };
  const life = await begin(folder.spool, { ...options, whenFull: 'block' });
  await life.output('a', { gate: dead() });
  for (let n = 1; n <= 400; n += 10) life.log.append(events(n, 10, { bytes: 500 }), n + 9);
  await until(() => life.spool.blocked !== undefined);
  await life.stop();
  const again = await begin(folder.spool, { ...options, maxBytes: 1_000_000 });
  t.true(again.due! > 1 && again.due! <= 400);
  const back = await again.output('a');
  again.log.append(events(again.due!, 401 - again.due!, { bytes: 500 }), 400);
  await until(() => gotBy(back).at(-1)?.last === 400);
  await again.stop();
  t.deepEqual(checkAll(gotBy(back), 400), []);
});

test('an event larger than the whole spool passes', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool, { maxBytes: 100_000 });
  const a = await life.output('a');
  life.log.append([...events(1, 1), ...events(2, 1, { bytes: 500_000 }), ...events(3, 1)], 3);
  await until(() => a.gate.taken.length === 3);
  t.deepEqual(
    a.gate.taken.map((line) => line.length + 1),
    [40, 500_000, 40],
  );
  await life.stop();
});

asRoot(
  `a full disk, drop_oldest: the oldest go first, with exact gaps, and the newest are there${skipped}`,
  async (t) => {
    using disk = new SmallDisk(2 * 1024 * 1024);
    const life = await begin(disk.spool, { maxBytes: 1024 ** 3, segmentBytes: 100_000, tailBytes: 1 });
    const healthy = await life.output('healthy');
    await life.output('dead', { gate: dead() });
    for (let n = 1; n <= 6000; n += 20) {
      life.log.append(events(n, 20, { bytes: 1000 }), n + 19);
      await life.spool.tick();
    }
    await until(() => healthy.gate.taken.length === 6000);
    await life.stop();
    const again = await begin(disk.spool, { segmentBytes: 100_000 });
    const back = await again.output('dead');
    again.log.append(events(6001, 1), 6001);
    await until(() => gotBy(back).at(-1)?.last === 6001);
    await again.stop();
    const gaps = checkAll(gotBy(back), 6001);
    t.is(gaps.length, 1);
    t.like(gaps[0], { first: 1, hop: 'spool', cause: 'spool_full' });
    t.true(gotBy(back).length > 1000, 'most of what the disk holds is there');
    t.true(life.raised.some(({ event }) => event === 'SpoolFull'));
  },
);

asRoot(
  `a disk that others fill: healthy outputs go on, and the spool goes on by itself when there is room${skipped}`,
  async (t) => {
    using disk = new SmallDisk(4 * 1024 * 1024);
    const life = await begin(disk.spool, { whenFull: 'block', tailBytes: 400_000, maxLagBytes: 800_000 });
    const healthy = await life.output('healthy');
    life.log.append(events(1, 10), 10);
    await until(() => healthy.gate.taken.length === 10);
    await life.spool.tick();
    t.throws(() => disk.fill(8 * 1024 * 1024), { code: 'ENOSPC' });
    // More than memory may hold: what the output has need not be written.
    for (let n = 11; n <= 10_010; n += 100) {
      life.log.append(events(n, 100, { bytes: 600 }), n + 99);
      await until(() => healthy.gate.taken.length === n + 99);
    }
    t.true(life.raised.some(({ event }) => event === 'SpoolFull' || event === 'SpoolFailed'));
    t.true(life.spool.memoryBytes <= 3 * 1024 * 1024, `${life.spool.memoryBytes}`);
    disk.free();
    life.log.append(events(10_011, 10), 10_020);
    await until(() => life.raised.some(({ event }) => event === 'SpoolRecovered'));
    await until(() => healthy.gate.taken.length === 10_020);
    await life.stop();
    const again = await begin(disk.spool);
    t.is(again.due, 10_021);
    const back = await again.output('healthy');
    again.log.append(events(10_021, 1), 10_021);
    await until(() => back.gate.taken.length > 0);
    t.is(back.gate.summary, '10021');
    await again.stop();
  },
);

asRoot(`the reserve of free disk is left alone, and what is there is not given up for it${skipped}`, async (t) => {
  using disk = new SmallDisk(4 * 1024 * 1024);
  const life = await begin(disk.spool, { reserve: 2 * 1024 * 1024, segmentBytes: 100_000, tailBytes: 1 });
  await life.output('dead', { gate: dead() });
  for (let n = 1; n <= 4000; n += 20) {
    life.log.append(events(n, 20, { bytes: 1000 }), n + 19);
    await life.spool.tick();
  }
  t.true(sizeOf(disk) < 2.2 * 1024 * 1024, `${sizeOf(disk)}`);
  t.true(sizeOf(disk) > 1.5 * 1024 * 1024, `${sizeOf(disk)}`);
  // Others take the rest, and more than the spool gives back.
  disk.fill(1.5 * 1024 * 1024);
  for (let n = 4001; n <= 4100; n += 20) {
    life.log.append(events(n, 20, { bytes: 1000 }), n + 19);
    await life.spool.tick();
  }
  t.true(sizeOf(disk) > 1.5 * 1024 * 1024, `${sizeOf(disk)}`);
  await life.stop();
});

test('a folder that cannot be written to any more: memory is bounded, and the loss is a gap that counts exactly', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool, { tailBytes: 1, maxLagBytes: 200_000, segmentBytes: 20_000 });
  const gate = new Gate();
  const a = await life.output('a', { gate });
  life.log.append(events(1, 10), 10);
  await until(() => a.gate.taken.length === 10);
  await life.spool.tick();
  gate.hold();
  // Where the next segments would go there are folders of their names: no file can be made.
  for (let ordinal = 11; ordinal < 3000; ordinal++)
    mkdirSync(join(folder.spool, `${String(ordinal).padStart(16, '0')}.segment`));
  for (let n = 11; n <= 2010; n += 10) life.log.append(events(n, 10, { bytes: 500 }), n + 9);
  await until(() => life.raised.some(({ event }) => event === 'SpoolFailed'));
  t.true(life.log.memoryBytes < 8 * 1024 * 1024, `${life.log.memoryBytes}`);
  for (let ordinal = 11; ordinal < 3000; ordinal++)
    rmSync(join(folder.spool, `${String(ordinal).padStart(16, '0')}.segment`), { recursive: true });
  gate.release();
  await until(() => life.raised.some(({ event }) => event === 'SpoolRecovered'));
  await until(() => gotBy(a).at(-1)?.last === 2010);
  await life.stop();
  const gaps = checkAll(gotBy(a), 2010);
  t.is(gaps.length, 1);
  t.like(gaps[0], { hop: 'spool', cause: 'queue_full' });
});

test.serial('a disk with room for a header and no frame: the writing waits, and a stop does not', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool, { segmentBytes: 2000, tailBytes: 1 });
  const gate = new Gate();
  gate.outcomes.push(...Array.from({ length: 9999 }, () => new Error('away')));
  await life.output('lake', { gate });
  life.log.append(events(1, 5), 5);
  await life.spool.tick();
  const file = await open(folder.segments[0]!);
  const disk = Object.getPrototypeOf(file) as Pick<typeof file, 'writev'>;
  await file.close();
  const { writev } = disk;
  let refused = 0;
  disk.writev = function (this: typeof file, buffers, ...at) {
    if (buffers.length === 1) return writev.call(this, buffers, ...at) as never;
    if (++refused > 500) disk.writev = writev;
    return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
  };
  try {
    life.log.append(events(6, 5, { bytes: 3000 }), 10);
    await until(() =>
      life.raised.some(({ event, reason }) => event === 'SpoolFailed' && /ENOSPC/u.test(String(reason))),
    );
    await life.stop();
  } finally {
    disk.writev = writev;
  }
  t.true(refused < 500, `${refused} attempts`);
});
