import test from 'ava';
import { parseDuration, parseSize } from '../../../agent/values/quantities.ts';

test('sizes are powers of 1024', (t) => {
  t.is(parseSize('512B'), 512);
  t.is(parseSize('4KiB'), 4096);
  t.is(parseSize('64MiB'), 67_108_864);
  t.is(parseSize('1 GiB'), 2 ** 30);
});

test('a size without a unit, or with one that means two things, is refused', (t) => {
  for (const text of ['64', '64MB', '64m', '1.5GiB', '-1MiB', 'MiB', '', '1e3B', '99999999TiB'])
    t.is(parseSize(text), undefined, text);
});

test('durations are in milliseconds', (t) => {
  t.deepEqual(['250ms', '5s', '2m', '1h', '1d'].map(parseDuration), [250, 5000, 120_000, 3_600_000, 86_400_000]);
});

test('a duration without a unit is refused', (t) => {
  for (const text of ['5', '5sec', '-5s', '']) t.is(parseDuration(text), undefined, text);
});
