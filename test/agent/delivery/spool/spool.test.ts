import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { gap, toItem } from '../../support/items.ts';
import { Gate } from '../support.ts';
import { begin, BOOT, events, gotBy, TemporaryFolder, until } from './support.ts';

test('what was not delivered when the agent ended is delivered by the next one, once', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  const gate = new Gate();
  const away = await first.output('a', { gate });
  first.log.append(events(1, 3), 3);
  await until(() => gate.taken.length === 3);
  gate.hold();
  gate.outcomes.push(...Array.from({ length: 99 }, () => new Error('away')));
  first.log.append(events(4, 2), 5);
  first.log.append([gap(6, 9)], 9);
  await first.stop();
  t.is(away.gate.summary, '1 2 3');

  const second = await begin(folder.spool);
  t.is(second.due, 10);
  const back = await second.output('a');
  second.log.append(events(10, 1), 10);
  await until(() => back.gate.summary === '4 5 [6-9 ring ring_full] 10');
  await second.stop();
  t.deepEqual(
    second.raised.filter(({ level }) => level !== 'info'),
    [],
  );
});

test('an output that keeps up reads from memory, and the disk is written once for all outputs', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool);
  const outputs = await Promise.all(['a', 'b', 'c'].map((name) => life.output(name)));
  life.log.append(events(1, 1), 1);
  await until(() => outputs.every(({ gate }) => gate.taken.length === 1));
  // No file, and still every event: nothing is read from it.
  await life.spool.tick();
  const [segment] = folder.segments;
  const size = statSync(segment!).size;
  for (let n = 2; n <= 50; n++) {
    life.log.append(events(n, 1, { bytes: 1000 }), n);
    await until(() => outputs.every(({ gate }) => gate.taken.length === n));
  }
  await life.spool.tick();
  const grown = statSync(segment!).size - size;
  t.true(grown > 49_000 && grown < 49 * 1200, `${grown}`);
  await until(() => life.spool.memoryBytes === 0);
  await life.stop();
});

test('files and folder are for the agent alone', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool);
  const a = await life.output('a');
  life.log.append(events(1, 1), 1);
  await until(() => a.gate.taken.length === 1);
  await life.stop();
  t.is(statSync(folder.spool).mode & 0o777, 0o700);
  for (const path of [...folder.segments, join(folder.spool, 'a.cursor'), join(folder.spool, 'spool.json')])
    t.is(statSync(path).mode & 0o777, 0o600, path);
});

test('an output that falls behind memory goes on from disk, and comes back to memory', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool, { tailBytes: 1024 * 1024 });
  const slow = await life.output('slow');
  const fast = await life.output('fast');
  slow.gate.hold();
  const count = 30_000;
  for (let n = 1; n <= count; n += 100) {
    life.log.append(events(n, 100, { bytes: 600 }), n + 99);
    await life.spool.tick();
  }
  await until(() => fast.gate.taken.length === count);
  t.true(life.spool.memoryBytes <= 3 * 1024 * 1024, `${life.spool.memoryBytes}`);
  slow.gate.release();
  await until(() => slow.gate.taken.length === count);
  t.deepEqual(slow.gate.taken, fast.gate.taken);
  life.log.append(events(count + 1, 1), count + 1);
  await until(() => slow.gate.taken.length === count + 1);
  await until(() => life.spool.memoryBytes === 0);
  await life.stop();
});

test('segments that every output has are removed', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool, { segmentBytes: 20_000 });
  const [a, b] = [await life.output('a'), await life.output('b')];
  b.gate.hold();
  for (let n = 1; n <= 1000; n += 10) {
    life.log.append(events(n, 10, { bytes: 500 }), n + 9);
    await life.spool.tick();
  }
  await until(() => a.gate.taken.length === 1000);
  t.true(folder.segments.length > 20);
  b.gate.release();
  await until(() => b.gate.taken.length === 1000);
  await life.spool.tick();
  await until(() => folder.segments.length === 1);
  await life.stop();
});

test('what filters left out need not come again, even when nothing else came', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  await first.output('a');
  first.log.append([], 500);
  await first.spool.tick();
  first.log.append(events(501, 1), 501);
  first.log.append([], 700);
  await first.stop();
  const second = await begin(folder.spool);
  t.is(second.due, 701);
  await second.stop();
});

test('what the source sends again because a file lacks it is passed over, and a gap over the border is cut', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  first.log.append(events(1, 5), 5);
  await first.stop();
  const second = await begin(folder.spool);
  const a = await second.output('a');
  second.log.append([...events(3, 1), gap(4, 8), ...events(9, 1)], 9);
  await until(() => a.gate.summary === '1 2 3 4 5 [6-8 ring ring_full] 9');
  t.is(a.gate.summary, '1 2 3 4 5 [6-8 ring ring_full] 9');
  await second.stop();
});

test('another boot begins its numbers anew, and batches are of one boot', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  first.log.append(events(1, 3), 3);
  await first.stop();
  const second = await begin(folder.spool, { bootId: 'next' });
  t.is(second.due, undefined);
  const a = await second.output('a');
  second.log.append(events(1, 2), 2);
  await until(() => a.gate.summary === '1 2 3 1 2');
  t.deepEqual(a.gate.begun, [`${BOOT} 1`, 'next 1']);
  await second.stop();
});

test('an output for alerts that was away gets the alerts and nothing else', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool, { tailBytes: 1024 * 1024 });
  const gate = new Gate();
  await first.output('soc', { alertsOnly: true, gate });
  first.log.append(events(1, 10, { alertEvery: 10 }), 10);
  await until(() => gate.taken.length === 1);
  gate.hold();
  gate.outcomes.push(...Array.from({ length: 99 }, () => new Error('away')));
  for (let n = 11; n <= 20_010; n += 100) first.log.append(events(n, 100, { bytes: 500, alertEvery: 1000 }), n + 99);
  await first.stop();
  const second = await begin(folder.spool);
  const back = await second.output('soc', { alertsOnly: true });
  second.log.append(events(20_011, 1), 20_011);
  second.log.append([gap(20_012, 20_013)], 20_013);
  const expected = [...Array.from({ length: 20 }, (_, i) => (i + 1) * 1000), 20_012];
  await until(() => back.gate.taken.length === expected.length);
  t.deepEqual(
    gotBy(back).map(({ first: number }) => number),
    expected,
  );
  await second.spool.tick();
  await until(() => second.spool.memoryBytes === 0);
  await second.stop();
});

test('an event of 16 MiB passes through memory and through the disk', async (t) => {
  using folder = new TemporaryFolder();
  const large = { bytes: 16 * 1024 * 1024 };
  const first = await begin(folder.spool);
  const a = await first.output('a');
  const dead = await first.output('b');
  dead.gate.hold();
  first.log.append([...events(1, 1), ...events(2, 1, large), ...events(3, 1)], 3);
  await until(() => a.gate.taken.length === 3);
  await first.stop();
  const second = await begin(folder.spool);
  const b = await second.output('b');
  await until(() => b.gate.taken.length === 3);
  t.deepEqual(b.gate.taken, a.gate.taken);
  await second.stop();
});

test('events without a number are delivered and kept like all others', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  first.log.append([toItem({ type: 'notice' }), ...events(1, 1), toItem({ type: 'notice' })], 1);
  await first.stop();
  const second = await begin(folder.spool);
  const a = await second.output('a');
  await until(() => a.gate.summary === 'notice 1 notice');
  t.is(a.gate.summary, 'notice 1 notice');
  await second.stop();
});

test('what a receiver refuses becomes a gap that survives a restart', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  const gate = new Gate();
  await first.output('a', { gate });
  gate.outcomes.push({ kind: 'refused', reason: 'too odd', records: [1] });
  gate.outcomes.push(...Array.from({ length: 99 }, () => new Error('away')));
  first.log.append(events(1, 3), 3);
  await until(() => gate.taken.length === 2);
  await first.stop();
  const second = await begin(folder.spool);
  const a = await second.output('a');
  a.gate.outcomes.push({ kind: 'refused', reason: 'too odd', records: [1] });
  await until(() => a.gate.summary === '1 3 [2-2 output rejected]');
  await second.stop();
  const third = await begin(folder.spool);
  const b = await third.output('a');
  third.log.append(events(4, 1), 4);
  await until(() => b.gate.summary === '4');
  t.is(b.gate.summary, '4');
  await third.stop();
});

test('an output that is opened anew under its name goes on where the one before it stops', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool);
  const old = await life.output('a');
  old.gate.hold();
  life.log.append(events(1, 3), 3);
  await until(() => old.gate.begun.length === 1);
  old.delivery.detach();
  const fresh = await life.output('a');
  life.log.append(events(4, 2), 5);
  t.is(fresh.gate.taken.length, 0);
  old.gate.release();
  await old.delivery.close(new Promise(() => undefined));
  await until(() => fresh.gate.summary === '4 5');
  t.is(old.gate.summary, '1 2 3');
  await life.stop();
});

test('an output whose send never ends gives its place up at the deadline', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool);
  const old = await life.output('a');
  old.gate.hold();
  life.log.append(events(1, 3), 3);
  await until(() => old.gate.begun.length === 1);
  old.delivery.detach();
  const fresh = await life.output('a');
  t.is(await old.delivery.close(Promise.resolve()), 0);
  await until(() => fresh.gate.summary === '1 2 3');
  await life.stop();
});

test('the place of an output that is not configured any more is removed', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  const outputs = [await first.output('a'), await first.output('b')];
  first.log.append(events(1, 1), 1);
  await until(() => outputs.every(({ gate }) => gate.taken.length === 1));
  await first.stop();
  const second = await begin(folder.spool);
  await second.spool.retain(['a']);
  t.true(existsSync(join(folder.spool, 'a.cursor')));
  t.false(existsSync(join(folder.spool, 'b.cursor')));
  t.like(
    second.raised.find(({ event }) => event === 'SpoolCursorRemoved'),
    { output: 'b' },
  );
  await second.stop();
});

test('lines on disk are what was received, byte for byte', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool);
  const items = events(1, 5);
  life.log.append(items, 5);
  await life.stop();
  const file = readFileSync(folder.segments[0]!);
  t.true(file.includes(Buffer.concat(items.map(({ memory, start, end }) => memory.subarray(start, end)))));
});
