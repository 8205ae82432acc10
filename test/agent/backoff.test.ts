import test from 'ava';
import { backoff } from '../../agent/backoff.ts';

const PACE = { firstMs: 100, longestMs: 5000 };

test('waits double from the first to the longest and no further', (t) => {
  t.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 5000].map((failures) => backoff(failures, PACE, 1)),
    [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000],
  );
});

test('half of a wait is drawn at random', (t) => {
  t.is(backoff(2, PACE, 0), 100);
  t.is(backoff(2, PACE, 0.5), 150);
  for (let i = 0; i < 100; i++) {
    const wait = backoff(3, PACE);
    t.true(wait >= 200 && wait < 400);
  }
});
