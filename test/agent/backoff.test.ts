import test from 'ava';
import { backoff } from '../../agent/backoff.ts';

const PACE = { firstMs: 100, longestMs: 5000 };

test('the longest wait doubles from the first to the last and no further', (t) => {
  t.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 5000].map((failures) => backoff(failures, PACE, 1)),
    [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000],
  );
});

test('a wait is drawn at random, from nothing up to the longest', (t) => {
  t.is(backoff(2, PACE, 0), 0);
  t.is(backoff(2, PACE, 0.5), 100);
  const waits = Array.from({ length: 100 }, () => backoff(3, PACE));
  t.true(waits.every((wait) => wait >= 0 && wait < 400));
  t.true(Math.min(...waits) < 100 && Math.max(...waits) > 300);
});
