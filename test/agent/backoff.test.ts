import test from 'ava';
import { retryDelay } from '../../agent/backoff.ts';

test('the first retry is immediate', (t) => {
  t.is(retryDelay(0, 0.99), 0);
});

test('later retries double from 100 ms to 5 s and no further', (t) => {
  t.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 5000].map((n) => retryDelay(n, 1)),
    [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000],
  );
});

test('half of a delay is drawn at random', (t) => {
  t.is(retryDelay(2, 0), 100);
  t.is(retryDelay(2, 0.5), 150);
});
