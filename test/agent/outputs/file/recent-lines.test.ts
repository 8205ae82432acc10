import test from 'ava';
import { RecentLines } from '../../../../agent/outputs/file/recent-lines.ts';

const MiB = 1024 * 1024;

test('the lines of the last seconds are remembered, in order, and only those', (t) => {
  let now = 0;
  const recent = new RecentLines(() => now);
  recent.add(Buffer.from('old\n'));
  now = 3000;
  recent.add(Buffer.from('b\n'));
  now = 6000;
  recent.add(Buffer.from('c\n'));
  const { lines, complete } = recent.take();
  t.is(lines.toString(), 'b\nc\n');
  t.true(complete);
  t.is(recent.take().lines.length, 0);
});

test('no more is remembered than a bound, and for as long as that matters it is said', (t) => {
  let now = 0;
  const recent = new RecentLines(() => now);
  for (let i = 0; i < 6; i++) recent.add(Buffer.alloc(MiB, i));
  let taken = recent.take();
  t.is(taken.lines.length, 4 * MiB);
  t.is(taken.lines[0], 2);
  t.false(taken.complete);
  now = 5000;
  recent.add(Buffer.from('x\n'));
  taken = recent.take();
  t.is(taken.lines.toString(), 'x\n');
  t.true(taken.complete);
});

test('what is remembered is a copy', (t) => {
  const recent = new RecentLines(() => 0);
  const lines = Buffer.from('a\n');
  recent.add(lines);
  lines.fill(0);
  t.is(recent.take().lines.toString(), 'a\n');
});

test('lines that lie over the end of the ring come back whole, as often as it goes round', (t) => {
  const recent = new RecentLines(() => 0);
  let expected = Buffer.alloc(0);
  for (let i = 0; i < 40; i++) {
    const lines = Buffer.alloc(700_001, 65 + (i % 26));
    recent.add(lines);
    expected = Buffer.concat([expected, lines]).subarray(-5 * 700_001);
  }
  t.true(recent.take().lines.equals(expected));
});

test('lines larger than the bound are not remembered, and that is said', (t) => {
  let now = 0;
  const recent = new RecentLines(() => now);
  recent.add(Buffer.alloc(5 * MiB));
  t.false(recent.take().complete);
  now = 5000;
  t.true(recent.take().complete);
});
