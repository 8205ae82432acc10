import test from 'ava';
import { AskedNames } from '../../../agent/enrichment/asked-names.ts';
import {
  MAX_USER_NAMES,
  USER_LOOKUP_MS,
  USER_LOOKUP_MS_PER_SECOND,
  USER_NAME_MS,
} from '../../../agent/enrichment/limits.ts';

function setting(takesMs = 0) {
  const clock = { now: 0 };
  const asked: string[] = [];
  const names = new AskedNames<string>(
    (key) => ((clock.now += takesMs), asked.push(key), key.startsWith('no') ? undefined : `name of ${key}`),
    () => clock.now,
  );
  return { names, clock, asked };
}

test('a name is asked for once in a while, also one that there is not', (t) => {
  const { names, clock, asked } = setting();
  t.deepEqual(
    ['a', 'nobody', 'a', 'nobody'].map((key) => names.of(key)),
    ['name of a', undefined, 'name of a', undefined],
  );
  t.deepEqual(asked, ['a', 'nobody']);
  clock.now += USER_NAME_MS;
  t.is(names.of('a'), 'name of a');
  t.deepEqual(asked, ['a', 'nobody', 'a']);
});

test('what is remembered is bounded', (t) => {
  const { names } = setting();
  for (let i = 0; i < 3 * MAX_USER_NAMES; i++) names.of(String(i));
  t.true(names.size > 0 && names.size <= MAX_USER_NAMES, String(names.size));
});

test('who is slow to answer is not asked again before the time is paid back; an old name is better than none', (t) => {
  const { names, clock, asked } = setting(USER_LOOKUP_MS);
  t.is(names.of('a'), 'name of a');
  t.is(names.of('b'), undefined);
  t.deepEqual(asked, ['a']);
  clock.now += (USER_LOOKUP_MS / USER_LOOKUP_MS_PER_SECOND) * 1000;
  t.is(names.of('b'), 'name of b');
  clock.now += USER_NAME_MS;
  names.of('b');
  t.is(names.of('a'), 'name of a', 'not asked, but known from before');
  t.deepEqual(asked, ['a', 'b', 'b']);
});
