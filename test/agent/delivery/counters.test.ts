import fc from 'fast-check';
import test from 'ava';
import { OutputCounters } from '../../../agent/delivery/output-counters.ts';
import type { Item } from '../../../agent/events/item.ts';
import { alertOf } from '../../../agent/events/item.ts';
import type { Outcome } from '../../../agent/outputs/output.ts';
import { exec, gap, toItem } from '../support/items.ts';
import { eventually, Gate, gapsIn, ITEM_BYTES, lossesOf, makeDelivery, NEVER } from './support.ts';

const BOOT = { bootId: 'boot', firstSeq: 1, lastSeq: 10_000 };

test('a refused batch: its events are counted as rejected, and what was taken as taken', async (t) => {
  const counters = new OutputCounters();
  const { gate, delivery, start, append } = makeDelivery({ counters });
  await start();
  gate.outcomes.push({ kind: 'refused', reason: 'too large', records: [1, 2, 3] });
  append([exec(1), exec(2), gap(3, 9), toItem({ type: 'notice' }), exec(10)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '1 10 [2-2 output rejected]');
  t.like(counters, { taken: 3, refused: 3, rejected: 1, unnumbered: 1, retries: 0 });
  t.deepEqual([...counters.missedByCause], [{ hop: 'ring', cause: 'ring_full', count: 7 }]);
});

test('attempts that fail are counted, and what was taken in part once', async (t) => {
  const counters = new OutputCounters();
  const { gate, delivery, start, append } = makeDelivery({ counters });
  await start();
  gate.outcomes.push({ kind: 'retry', reason: 'busy' }, { kind: 'retry', reason: 'full', taken: 2 }, new Error('gone'));
  append([1, 2, 3].map(exec));
  await delivery.close(NEVER);
  t.is(gate.summary, '1 2 3');
  t.like(counters, { taken: 3, retries: 3, refused: 0 });
});

test('the status tells of an output that fails, and of how long records wait', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ pace: { firstMs: 60_000, longestMs: 60_000 } });
  t.true(delivery.status.downMs >= 0);
  await start();
  t.like(delivery.status, { downMs: 0, lagRecords: 0, oldestMs: 0 });
  gate.outcomes.push({ kind: 'retry', reason: 'busy' });
  append([exec(1)]);
  await eventually(t, () => gate.batches.length === 1 && delivery.status.downMs > 0 && delivery.status.oldestMs > 0);
  t.like(delivery.status, { lagRecords: 1, lagBytes: ITEM_BYTES });
  await delivery.close(NEVER);
  t.like(delivery.status, { downMs: 0, lagRecords: 0, oldestMs: 0 });
});

test('hops and causes are counted apart up to a bound, long words never, and nothing is lost', (t) => {
  const counters = new OutputCounters();
  for (let i = 0; i < 1000; i++) counters.missed('ring', `cause ${i}`, 2);
  counters.missed('x'.repeat(100_000), 'y', 5);
  const all = [...counters.missedByCause];
  t.is(all.length, 64);
  t.is(
    all.reduce((sum, { count }) => sum + count, 0),
    2005,
  );
  t.like(all.at(-1), { hop: 'other', cause: 'other' });
});

/** The input, by a letter: event, alert, gap of so many, an event without a number, a number that a filter took. */
type Step = readonly ['event' | 'alert' | 'gap' | 'notice' | 'filtered', number];

const steps = fc.array(
  fc.tuple(fc.constantFrom('event', 'event', 'alert', 'gap', 'notice', 'filtered'), fc.integer({ min: 1, max: 5 })),
  { minLength: 1, maxLength: 30 },
) as fc.Arbitrary<Step[]>;

function itemsOf(all: readonly Step[], from: number): { items: Item[]; last: number } {
  const items: Item[] = [];
  let next = from;
  for (const [what, size] of all) {
    if (what === 'notice') items.push(toItem({ type: 'notice' }));
    else if (what === 'gap') items.push(gap(next, (next += size) - 1));
    else if (what === 'filtered') next++;
    else {
      const item = exec(next++);
      items.push(what === 'alert' ? alertOf({ ...item.event, rules: [] } as never, item) : item);
    }
  }
  return { items, last: next - 1 };
}

const outcomes: fc.Arbitrary<Outcome | Error> = fc.oneof(
  fc.constant<Outcome>({ kind: 'taken' }),
  fc.constant<Outcome>({ kind: 'retry', reason: 'busy' }),
  fc.integer({ min: 0, max: 3 }).map((taken): Outcome => ({ kind: 'retry', reason: 'part', taken })),
  fc.constant(new Error('gone')),
);

test('whatever comes in and whatever the output does: what it lost is what its gaps say, and every number is somewhere', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 1, maxLength: 8 }),
      fc.array(outcomes, { maxLength: 6 }),
      fc.boolean(),
      fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      fc.integer({ min: 1, max: 12 }),
      fc.boolean(),
      async (batches, ends, alertsOnly, stored, lag, holds) => {
        const counters = new OutputCounters();
        const gate = new Gate();
        if (stored !== undefined) gate.position = { bootId: 'boot', last: stored };
        gate.outcomes = [...ends];
        const { delivery, log, start, append } = makeDelivery({
          output: gate,
          counters,
          alertsOnly,
          maxLagBytes: lag * ITEM_BYTES,
          pace: { firstMs: 0, longestMs: 0 },
        });
        await start();
        log.begin(BOOT);
        if (holds) gate.hold();
        let last = 0;
        let filtered = 0;
        for (const batch of batches) {
          const { items, last: end } = itemsOf(batch, last + 1);
          const numbers = new Set(items.flatMap(({ first, last: to }) => (first < 0 ? [] : [first, to])));
          for (let i = last + 1; i <= end; i++)
            if (i > (stored ?? 0) && !numbers.has(i) && !items.some((item) => item.first <= i && i <= item.last))
              filtered++;
          append(items, end);
          last = end;
          if (!holds) await new Promise(setImmediate);
        }
        gate.release();
        if ((await delivery.close(NEVER)) !== 0) throw new Error('not everything was delivered');
        const events = gate.taken.filter((line) => line.includes('"seq":')).length;
        const losses = lossesOf(counters);
        if (losses !== gapsIn(gate.taken)) throw new Error(`lost ${losses}, told ${gapsIn(gate.taken)}`);
        const all = events + losses + counters.notAlerts + filtered;
        if (all !== Math.max(0, last - (stored ?? 0))) throw new Error(`${all} of ${last}, ${stored} stored`);
        if (counters.taken !== gate.taken.length) throw new Error(`taken ${counters.taken} of ${gate.taken.length}`);
      },
    ),
    { numRuns: 300 },
  );
  t.pass();
});
