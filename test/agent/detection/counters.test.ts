import test from 'ava';
import { DetectionCounters, mostOf } from '../../../agent/detection/counters.ts';
import { MAX_COUNTED_NAMES } from '../../../agent/detection/limits.ts';

test('names are counted apart up to a bound, and none is lost', (t) => {
  const counters = new DetectionCounters();
  for (let i = 0; i < MAX_COUNTED_NAMES + 500; i++) counters.matched({ id: `rule ${i}` });
  counters.matched({ id: 'rule 0' });
  t.is(counters.rules.size, MAX_COUNTED_NAMES + 1);
  t.is(counters.rules.get('rule 0'), 2);
  t.is(
    [...counters.rules.values()].reduce((a, b) => a + b),
    MAX_COUNTED_NAMES + 501,
  );
});

test('the log gets the highest counts and the sum of the others', (t) => {
  t.deepEqual(
    mostOf(
      new Map([
        ['a', 1],
        ['b', 5],
        ['c', 3],
        ['d', 1],
      ]),
      2,
    ),
    { b: 5, c: 3, others: 2 },
  );
  t.deepEqual(mostOf(new Map([['a', 1]])), { a: 1 });
});
