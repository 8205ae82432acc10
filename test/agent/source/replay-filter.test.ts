import test from 'ava';
import * as fc from 'fast-check';
import type { Item } from '../../../agent/events/item.ts';
import { ReplayFilter } from '../../../agent/source/replay-filter.ts';
import { CLOCK_EXAMPLE, type ClockEvent } from '../../../shared/events/clock.ts';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import { HELLO_EXAMPLE, type HelloEvent } from '../../../shared/events/hello.ts';
import { exec, gap, summary, toItem } from '../support/items.ts';

const hello = (overrides: Partial<HelloEvent> = {}): HelloEvent => ({
  ...HELLO_EXAMPLE,
  first_seq: 1,
  last_seq: 0,
  ...overrides,
});

function started(overrides: Partial<HelloEvent> = {}): { filter: ReplayFilter; out: Item[] } {
  const filter = new ReplayFilter(() => new Date('2023-03-15T13:20:05Z'));
  const out: Item[] = [];
  filter.begin(hello(overrides), out);
  return { filter, out };
}

function takeAll(filter: ReplayFilter, out: Item[], ...items: Item[]): void {
  for (const item of items) filter.take(item, out);
}

test('events in order pass as they came', (t) => {
  const { filter, out } = started();
  const items = [exec(1), exec(2), exec(3)];
  takeAll(filter, out, ...items);
  t.deepEqual(out, items);
  t.is(out[0]!.line, items[0]!.line);
});

test('a replay after a reconnection is dropped up to what is new', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(2), exec(3));
  t.is(filter.begin(hello({ last_seq: 5, oldest_held_seq: 1 }), out), 'resumed');
  takeAll(filter, out, exec(1), exec(2), exec(3), exec(4), exec(5));
  t.is(summary(out), '1 2 3 4 5');
  t.is(filter.counts.duplicates, 3);
  t.is(filter.counts.missing, 0);
});

test('word of the clock is taken once, wherever the connection breaks, and takes no number', (t) => {
  const { filter, out } = started();
  const clock = (from_seq: number, day = 16): Item =>
    toItem({ ...CLOCK_EXAMPLE, from_seq, to: `2023-03-${day}T13:20:04.500000000Z` });
  const numbers = (): number[] =>
    out.map(({ event }) => (event.type === 'clock' ? -(event as ClockEvent).from_seq : (event as ExecEvent).seq));
  takeAll(filter, out, exec(1), clock(2));
  filter.begin(hello({ last_seq: 1 }), out);
  takeAll(filter, out, exec(1), clock(2));
  t.deepEqual(numbers(), [1, -2], 'the last thing that came');
  takeAll(filter, out, clock(2, 17), exec(2), exec(3));
  filter.begin(hello({ last_seq: 3 }), out);
  takeAll(filter, out, exec(1), clock(2), clock(2, 17), exec(2), exec(3), clock(4), exec(4));
  t.deepEqual(numbers(), [1, -2, -2, 2, 3, -4, 4]);
  t.is(filter.counts.missing, 0);
});

test('a hole that no gap explains becomes a gap in front of the next event', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(5));
  t.is(summary(out), '1 [2-4 pipe backlog_overrun] 5');
  t.deepEqual(JSON.parse(out[1]!.line), {
    type: 'gap',
    time: '2023-03-15T13:20:05.000Z',
    hop: 'pipe',
    first: 2,
    last: 4,
    count: 3,
    cause: 'backlog_overrun',
  });
  t.is(filter.counts.missing, 3);
});

test('a hole that the helper explains is left to the helper', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), gap(2, 4), exec(5));
  t.is(summary(out), '1 [2-4 ring ring_full] 5');
  t.is(filter.counts.missing, 0);
});

test('what was lost before the first connection is a gap', (t) => {
  const { filter, out } = started({ first_seq: 10, last_seq: 52, oldest_held_seq: 50 });
  takeAll(filter, out, exec(50), exec(51));
  t.is(summary(out), '[10-49 pipe backlog_overrun] 50 51');
});

test('what the backlog lost while the agent was away is a gap', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(2));
  filter.begin(hello({ last_seq: 91, oldest_held_seq: 90 }), out);
  takeAll(filter, out, exec(90), exec(91));
  t.is(summary(out), '1 2 [3-89 pipe backlog_overrun] 90 91');
});

test('a replayed gap is dropped', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), gap(2, 4), exec(5));
  filter.begin(hello({ last_seq: 5 }), out);
  takeAll(filter, out, exec(1), gap(2, 4), exec(5), exec(6));
  t.is(summary(out), '1 [2-4 ring ring_full] 5 6');
});

test('a gap that begins among what was taken is cut to the rest', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(2), exec(3));
  filter.begin(hello(), out);
  takeAll(filter, out, gap(2, 6), exec(7));
  t.is(summary(out), '1 2 3 [4-6 ring ring_full] 7');
  t.deepEqual(JSON.parse(out[3]!.line), out[3]!.event);
});

test('a gap that begins behind a hole has the hole reported before it', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), gap(4, 6), exec(7));
  t.is(summary(out), '1 [2-3 pipe backlog_overrun] [4-6 ring ring_full] 7');
});

test('a number may be greater than 32 bits hold', (t) => {
  const { filter, out } = started({ first_seq: 2 ** 40 });
  takeAll(filter, out, exec(2 ** 40), exec(2 ** 40 + 3));
  t.is(summary(out), `${2 ** 40} [${2 ** 40 + 1}-${2 ** 40 + 2} pipe backlog_overrun] ${2 ** 40 + 3}`);
});

test('a probe that was loaded anew goes on without a gap for numbers that nothing got', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(2));
  t.is(filter.begin(hello({ first_seq: 1000, last_seq: 999 }), out), 'probe_reloaded');
  takeAll(filter, out, exec(1000));
  t.is(summary(out), '1 2 1000');
});

test('numbers that were promised before the probe was loaded anew are a gap', (t) => {
  const { filter, out } = started({ last_seq: 5 });
  takeAll(filter, out, exec(1), exec(2));
  filter.begin(hello({ first_seq: 1000, last_seq: 999 }), out);
  takeAll(filter, out, exec(1000));
  t.is(summary(out), '1 2 [3-5 pipe probe_reloaded] 1000');
});

test('a heartbeat is a promise as well', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1));
  filter.promise(4);
  filter.begin(hello({ first_seq: 3, last_seq: 2 }), out);
  takeAll(filter, out, exec(3));
  t.is(summary(out), '1 [2-2 pipe probe_reloaded] 3');
});

test('a probe loaded anew that goes on with the very next number is no event of its own', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(2));
  t.is(filter.begin(hello({ first_seq: 3, last_seq: 2 }), out), 'resumed');
  takeAll(filter, out, exec(3));
  t.is(summary(out), '1 2 3');
});

test('another boot begins its numbers anew', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(2));
  t.is(filter.begin(hello({ boot_id: 'another', first_seq: 1 }), out), 'boot_changed');
  takeAll(filter, out, exec(1), exec(2));
  t.is(summary(out), '1 2 1 2');
});

test('a helper that gives numbers again does not blind the agent', (t) => {
  const { filter, out } = started({ first_seq: 100, last_seq: 99 });
  takeAll(filter, out, exec(100), exec(101));
  t.is(filter.begin(hello({ first_seq: 1 }), out), 'numbers_reused');
  takeAll(filter, out, exec(1));
  t.is(summary(out), '100 101 1');
});

test('an event behind a later one is dropped and counted: its number is in a gap already', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), exec(3), exec(2), exec(4));
  t.is(summary(out), '1 [2-2 pipe backlog_overrun] 3 4');
  t.is(filter.counts.outOfOrder, 1);
});

test('an event that cannot be read is a gap of one', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1));
  filter.takeUnreadable(2, out);
  takeAll(filter, out, exec(3));
  filter.begin(hello(), out);
  filter.takeUnreadable(2, out);
  t.is(summary(out), '1 [2-2 pipe unreadable] 3');
});

test('an event of an unknown type takes part by its number, and passes without one', (t) => {
  const { filter, out } = started();
  takeAll(filter, out, exec(1), toItem({ type: 'connect', seq: 2 }), toItem({ type: 'notice' }), exec(3));
  filter.begin(hello(), out);
  takeAll(filter, out, toItem({ type: 'connect', seq: 2 }));
  t.is(summary(out), '1 2 notice 3');
});

test('what every output has from before is neither new nor missing', (t) => {
  const { filter, out } = started({ first_seq: 1, last_seq: 9, oldest_held_seq: 3 });
  filter.skipTo(6);
  takeAll(filter, out, exec(3), gap(4, 6), exec(7));
  t.is(summary(out), '[6-6 ring ring_full] 7');
  t.is(filter.counts.missing, 0);
});

test('behind what every output has, a hole is a hole', (t) => {
  const { filter, out } = started({ first_seq: 1, last_seq: 9, oldest_held_seq: 8 });
  filter.skipTo(6);
  takeAll(filter, out, exec(8), exec(9));
  t.is(summary(out), '[6-7 pipe backlog_overrun] 8 9');
  t.is(filter.counts.missing, 2);
});

test('every number is accounted for exactly once, whatever the connections do', (t) => {
  const connection = fc.record({ from: fc.nat(60), length: fc.nat(40) });
  const gaps = fc.array(fc.record({ first: fc.nat(80), length: fc.integer({ min: 1, max: 9 }) }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(connection, { minLength: 1, maxLength: 8 }), gaps, (connections, ringGaps) => {
      // The helper's truth: each number from 1 is an event, or belongs to a gap of the ring.
      const gapAt = new Map<number, Item>();
      const inGap = new Set<number>();
      for (const { first, length } of ringGaps) {
        const range = Array.from({ length }, (_, i) => 1 + first + i);
        if (range.some((n) => inGap.has(n))) continue;
        for (const n of range) inGap.add(n);
        gapAt.set(range[0]!, gap(range[0]!, range.at(-1)!));
      }
      const { filter, out } = started();
      let newest = 0;
      for (const { from, length } of connections) {
        filter.begin(hello({ last_seq: 200 }), out);
        for (let n = 1 + from; n < 1 + from + length; n++) {
          const ring = gapAt.get(n);
          if (ring !== undefined) filter.take(ring, out);
          else if (!inGap.has(n)) filter.take(exec(n), out);
          if (ring !== undefined) newest = Math.max(newest, (ring.event as { last: number }).last);
          else if (!inGap.has(n)) newest = Math.max(newest, n);
        }
      }
      const seen = out.flatMap(({ event }) => {
        const { type, seq, first, last, count } = event as {
          type: string;
          seq: number;
          first: number;
          last: number;
          count: number;
        };
        if (type !== 'gap') return [seq];
        t.is(count, last - first + 1);
        return Array.from({ length: count }, (_, i) => first + i);
      });
      t.deepEqual(
        seen,
        Array.from({ length: newest }, (_, i) => i + 1),
      );
    }),
    { numRuns: 500 },
  );
});
