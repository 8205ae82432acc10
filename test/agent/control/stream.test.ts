import { PassThrough } from 'node:stream';
import test from 'ava';
import { selectionOf } from '../../../agent/control/selection.ts';
import { EventStream } from '../../../agent/control/stream.ts';
import { alertOf, itemOf } from '../../../agent/events/item.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { Recent } from '../../../agent/recent/recent.ts';

const FAR = Infinity;

const explained = (line: Buffer): Buffer => Buffer.from(line.toString().replace('{', '{"explained":true,'));

/** A reader with so many bytes of room. */
function reader(recent: Recent, query: string, room = 64 * 1024 * 1024) {
  const to = new PassThrough({ highWaterMark: room });
  const stream = new EventStream(recent, selectionOf(new URLSearchParams(query)), to, { addTo: explained });
  const read = (): Array<Record<string, unknown>> =>
    ((to.read() as Buffer | null)?.toString() ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { stream, to, read };
}

const events = (from: number, count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => itemOf({ type: 'note', seq: from + i, ...more }));
const seqs = (lines: ReadonlyArray<Record<string, unknown>>) => lines.map(({ seq }) => seq);

test('a reader gets what comes after it, and with since what is held and not older', (t) => {
  const recent = new Recent(1024 * 1024);
  recent.take(events(0, 2, { time: '2020-01-01T00:00:00Z' }));
  recent.take(events(2, 2, { time: new Date().toISOString() }));
  const [live, back, held] = [reader(recent, ''), reader(recent, 'since=1h'), reader(recent, 'since=1h&follow=0')];
  recent.take(events(4, 2));
  for (const { stream } of [live, back, held]) t.false(stream.pump(FAR));
  t.deepEqual(seqs(live.read()), [4, 5]);
  t.deepEqual(seqs(back.read()), [2, 3, 4, 5]);
  t.deepEqual(seqs(held.read()), [2, 3]);
  t.true(held.stream.isDone);
  t.false(back.stream.isDone);
});

test('a reader that is too slow is told how many it missed; together they are all', (t) => {
  const recent = new Recent(1024 * 1024);
  const { stream, read } = reader(recent, '', 64 * 1024);
  let told = 0;
  let missed = 0;
  const count = (): void => {
    for (const { type, count: lost } of read()) {
      if (type === 'missed') missed += lost as number;
      else told++;
    }
  };
  for (let round = 0; round < 100; round++) {
    recent.take(events(round * 1000, 1000, { text: 'x'.repeat(200) }));
    stream.pump(FAR);
    if (round % 10 === 0) count();
  }
  for (let i = 0; i < 100; i++) {
    stream.pump(FAR);
    count();
  }
  t.true(missed > 10_000 && told > 1000, `${told} and ${missed}`);
  t.is(told + missed, 100_000);
});

test('a reader that takes nothing is let go after a while, and holds no memory until then', (t) => {
  const recent = new Recent(1024 * 1024);
  const { stream, to } = reader(recent, '', 1024);
  for (let round = 0; round < 50; round++) {
    recent.take(events(0, 1000, { text: 'x'.repeat(200) }));
    stream.pump(FAR);
  }
  t.true(to.writableLength + to.readableLength < 3 * 1024 * 1024);
  t.false(stream.isStalled(performance.now()));
  t.true(stream.isStalled(performance.now() + 61_000));
});

test('a reader that has been sent all that it asked for, and does not take it, is let go after a while', (t) => {
  const recent = new Recent(1024 * 1024);
  recent.take(events(0, 100, { time: new Date().toISOString() }));
  const { stream, to } = reader(recent, 'since=1h&follow=0');
  stream.pump(FAR);
  t.true(stream.isDone);
  to.end();
  const end = performance.now();
  // Each round looks at it once more.
  stream.pump(FAR, end + 50_000);
  t.false(stream.isStalled(end + 50_000));
  t.true(stream.isStalled(end + 61_000));
});

test('beyond its rate, events are counted instead of sent; gaps are sent all the same', (t) => {
  const recent = new Recent(8 * 1024 * 1024);
  const { stream, read } = reader(recent, 'rate=10');
  recent.take(events(0, 100));
  recent.take([
    itemOf({ type: 'gap', time: '2026-01-01T00:00:00Z', hop: 'ring', first: 1, last: 2, count: 2, cause: 'x' }),
  ]);
  stream.pump(FAR, 1000);
  t.deepEqual(
    read().map(({ type }) => type),
    [...Array.from({ length: 10 }, () => 'note'), 'gap'],
  );
  recent.take(events(100, 5));
  stream.pump(FAR, 2000);
  const [missed, ...rest] = read();
  t.deepEqual(missed, { type: 'missed', count: 90, cause: 'rate' });
  t.deepEqual(seqs(rest), [100, 101, 102, 103, 104]);
});

test('it stops when its time is up, and goes on from there', (t) => {
  const recent = new Recent(8 * 1024 * 1024);
  const { stream, read } = reader(recent, '');
  recent.take(events(0, 1000));
  let pumps = 0;
  while (stream.pump(0)) pumps++;
  t.true(pumps > 5);
  t.deepEqual(
    seqs(read()),
    Array.from({ length: 1000 }, (_, i) => i),
  );
});

test('alerts are explained to a reader who asks for it, and nothing else is', (t) => {
  const recent = new Recent(1024 * 1024);
  const [asks, other] = [reader(recent, 'explain=1'), reader(recent, '')];
  const [note] = events(1, 1);
  recent.take([note!, alertOf(execEvent(2), itemOf(execEvent(2)))]);
  for (const { stream } of [asks, other]) t.false(stream.pump(FAR));
  t.deepEqual(
    asks.read().map(({ seq, explained: why }) => [seq, why]),
    [
      [1, undefined],
      [2, true],
    ],
  );
  t.true(other.read().every((line) => !('explained' in line)));
});

test('explaining has a look at the clock after each alert', (t) => {
  const recent = new Recent(1024 * 1024);
  const { stream, read } = reader(recent, 'explain=1');
  recent.take(Array.from({ length: 10 }, (_, i) => alertOf(execEvent(i), itemOf(execEvent(i)))));
  t.true(stream.pump(0), 'there is more');
  t.is(read().length, 0);
  t.false(stream.pump(FAR));
  t.is(read().length, 10);
});
