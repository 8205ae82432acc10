import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { alertOf, type Item } from '../../../agent/events/item.ts';
import { exec, gap, toItem } from '../support/items.ts';
import { eventually, Gate, ITEM_BYTES, makeDelivery, NEVER } from './support.ts';

const BOOT = { bootId: 'boot', firstSeq: 1, lastSeq: 99 };
const alert = (seq: number): Item => alertOf(exec(seq).event, exec(seq));

test('an output for alerts gets alerts and gaps, in one batch', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ alertsOnly: true });
  await start();
  append([exec(1), alert(2), gap(3, 5), toItem({ type: 'later' }), exec(6), alert(7)], 7);
  await delivery.close(NEVER);
  t.is(gate.summary, '2 [3-5 ring ring_full] 7');
  t.deepEqual(gate.batches, [3]);
});

test('a bookmark is told how far events went that the output does not get: once they stop, and after its own', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery({ passedAfterMs: 5 });
  await start();
  log.begin(BOOT);
  gate.hold();
  append([exec(1)], 4);
  await delay(20);
  t.deepEqual(gate.calls, ['open']);
  append([], 9);
  gate.release();
  await eventually(t, () => gate.calls.length === 3);
  t.deepEqual(gate.calls.slice(1), ['at boot 1 after 1', 'at boot 9 after 1']);
  append([exec(10)], 10);
  await delay(20);
  t.deepEqual(gate.calls.slice(3), ['at boot 10 after 2']);
  await delivery.close(NEVER);
});

test('a bookmark is not told of what lies behind a loss before the output has the gap', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery({ passedAfterMs: 1, maxLagBytes: ITEM_BYTES * 2 });
  await start();
  log.begin(BOOT);
  gate.hold();
  append([exec(1)]);
  // A filter dropped numbers 2, 4 and so on: they are not lost.
  append([exec(3), exec(5), exec(7), exec(9)], 12);
  await delay(10);
  t.deepEqual(gate.calls, ['open']);
  gate.release();
  await eventually(t, () => gate.calls.includes('at boot 12 after 3'));
  await delivery.close(NEVER);
  t.is(gate.summary, '1 [3-7 output queue_full count 3] 9');
});

test('a bookmark is told when the delivery closes', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery();
  await start();
  log.begin(BOOT);
  append([exec(1)], 8);
  await delivery.close(NEVER);
  t.deepEqual(gate.calls, ['open', 'at boot 1 after 1', 'at boot 8 after 1', 'flush', 'close']);
});

test('while a replay brings what the output has, its bookmark stays', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery({ passedAfterMs: 1 });
  gate.position = { bootId: 'boot', last: 50 };
  await start();
  t.is(log.begin(BOOT), 51);
  append([exec(3)], 9);
  await delay(20);
  t.deepEqual(gate.calls, ['open']);
  append([], 60);
  await delivery.close(NEVER);
  t.true(gate.calls.includes('at boot 60 after 0'));
});

test('a batch waits until it is large enough, or old enough', async (t) => {
  const gate = new Gate();
  const { delivery, start, append } = makeDelivery({
    output: Object.assign(gate, { limits: { bytes: 1e6, records: 3, ageMs: 60_000 } }),
  });
  await start();
  append([exec(1), exec(2)]);
  await delay(20);
  t.deepEqual(gate.batches, []);
  append([exec(3), exec(4)]);
  await eventually(t, () => gate.batches.length === 1);
  t.deepEqual(gate.batches, [3]);
  await delivery.close(NEVER);
  t.deepEqual(gate.batches, [3, 1], 'closing waits for nothing');
});

test('the last event never waits for another one', async (t) => {
  const gate = new Gate();
  const { delivery, start, append } = makeDelivery({
    output: Object.assign(gate, { limits: { bytes: 1e6, records: 1000, ageMs: 30 } }),
  });
  await start();
  append([exec(1)]);
  await eventually(t, () => gate.summary === '1');
  await delivery.close(NEVER);
});

test('a format makes the lines, and its batches keep to the limits', async (t) => {
  const gate = new Gate();
  const { delivery, start, append } = makeDelivery({
    output: Object.assign(gate, {
      format: { encode: (item: Item) => JSON.stringify({ type: 'exec', seq: item.first * 10 }) },
      limits: { bytes: 1e6, records: 2, ageMs: 0 },
    }),
  });
  await start();
  append([1, 2, 3, 4, 5].map(exec));
  await delivery.close(NEVER);
  t.is(gate.summary, '10 20 30 40 50');
  t.deepEqual(gate.batches, [2, 2, 1]);
});
