import test from 'ava';

import { ProcessJoin, type Joined } from '../../../../helper/windows/etw/join.ts';
import { JOIN_WAIT_MS, MAX_WAITING_HALVES } from '../../../../helper/windows/limits.ts';
import { CLASSIC, START } from '../../../support/etw-payloads.ts';

function joiner(): { join: ProcessJoin; out: Joined[] } {
  const out: Joined[] = [];
  return { join: new ProcessJoin((joined) => out.push(joined)), out };
}

const NEAR = START.created + 30_000n;

test('halves are joined in either order, and told once', (t) => {
  for (const startFirst of [true, false]) {
    const { join, out } = joiner();
    if (startFirst) join.addStart(NEAR, START, 0);
    join.addClassic(NEAR, CLASSIC, 1);
    if (!startFirst) join.addStart(NEAR, START, 2);
    t.deepEqual(out, [{ time: NEAR, start: START, classic: CLASSIC }]);
    join.expire(Number.POSITIVE_INFINITY);
    t.is(out.length, 1);
    t.is(join.waiting, 0);
  }
});

test('another parent, or a time that is far away, is another process with the same id', (t) => {
  const { join, out } = joiner();
  join.addStart(NEAR, START, 0);
  join.addClassic(NEAR, { ...CLASSIC, ppid: 99 }, 1);
  t.deepEqual(
    out.map(({ start, classic }) => [start !== undefined, classic !== undefined]),
    [[true, false]],
  );
  const second = joiner();
  second.join.addStart(NEAR, START, 0);
  second.join.addClassic(START.created + 11n * 10_000_000n, CLASSIC, 1);
  second.join.expire(Number.POSITIVE_INFINITY);
  t.is(second.out.length, 2);
});

test('a half goes out alone when it has waited long enough, not before', (t) => {
  const { join, out } = joiner();
  join.addStart(NEAR, START, 0);
  join.addClassic(NEAR, { ...CLASSIC, pid: 5 }, 10);
  join.expire(JOIN_WAIT_MS - 1);
  t.is(out.length, 0);
  join.expire(JOIN_WAIT_MS);
  t.is(out.length, 1);
  join.expire(JOIN_WAIT_MS + 10);
  t.is(out.length, 2);
});

test('no more halves wait than the bound says, and the oldest goes first', (t) => {
  const { join, out } = joiner();
  for (let pid = 0; pid < MAX_WAITING_HALVES + 3; pid++) join.addStart(NEAR, { ...START, pid }, 0);
  t.is(join.waiting, MAX_WAITING_HALVES);
  t.deepEqual(
    out.map(({ start }) => start?.pid),
    [0, 1, 2],
  );
});
