import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ReaderGoneError } from '../../../agent/outputs/output.ts';
import { exec, gap, toItem } from '../support/items.ts';
import { eventually, Gate, ITEM_BYTES, makeDelivery, NEVER } from './support.ts';

test('items arrive in order and whole', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  append([exec(1), exec(2)]);
  append([exec(3)]);
  t.is(await delivery.close(NEVER), 0);
  t.is(gate.summary, '1 2 3');
  t.deepEqual(gate.life, ['open', 'flush', 'close']);
});

test('an output that lags too far is overtaken: the oldest are given up, and one exact gap takes their place', async (t) => {
  const { gate, delivery, raised, start, append } = makeDelivery({ maxLagBytes: 4 * ITEM_BYTES });
  await start();
  gate.hold();
  append([exec(1), exec(2)]);
  append([3, 4, 5, 6, 7, 8, 9].map(exec));
  gate.release();
  await eventually(t, () => gate.summary === '1 2 [3-8 output queue_full] 9');
  append([exec(10)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '1 2 [3-8 output queue_full] 9 10');
  t.like(
    raised.find(({ event }) => event === 'EventsDropped'),
    { level: 'error', output: 'test', first: 3, last: 8, count: 6 },
  );
});

test('a gap that is given up counts with the numbers it stands for', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ maxLagBytes: 3 * ITEM_BYTES });
  await start();
  gate.hold();
  append([exec(1)]);
  append([exec(2), exec(3), gap(4, 13), exec(14), exec(15)]);
  gate.release();
  await delivery.close(NEVER);
  t.is(gate.summary, '1 [2-14 output queue_full] 15');
});

test('numbers that other stages took out are not counted as lost', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ maxLagBytes: 3 * ITEM_BYTES });
  await start();
  gate.hold();
  append([exec(1)]);
  append([exec(2), exec(4), exec(6), exec(9)]);
  gate.release();
  await delivery.close(NEVER);
  t.is(gate.summary, '1 [2-6 output queue_full count 3] 9');
});

test('after a loss there is room for half the bound before the next', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ maxLagBytes: 8 * ITEM_BYTES });
  await start();
  gate.hold();
  append([exec(1)]);
  append([2, 3, 4, 5, 6, 7, 8, 9].map(exec));
  append([10, 11, 12].map(exec));
  gate.release();
  await delivery.close(NEVER);
  t.is(gate.summary, '1 [2-6 output queue_full] 7 8 9 10 11 12');
});

test('an event larger than the bound passes when the output does not lag', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ maxLagBytes: 64 });
  await start();
  append([exec(1)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '1');
});

test('events without a number that are given up are in the log, since no gap can name them', async (t) => {
  const { gate, delivery, raised, start, append } = makeDelivery({ maxLagBytes: ITEM_BYTES });
  await start();
  gate.hold();
  append([exec(1)]);
  append([toItem({ type: 'notice' }), exec(2)]);
  gate.release();
  await delivery.close(NEVER);
  t.is(gate.summary, '1 2');
  t.like(
    raised.find(({ event }) => event === 'EventsDropped'),
    { unnumbered: 1, first: undefined },
  );
});

test('losses of two boots are two gaps', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery({ maxLagBytes: 2 * ITEM_BYTES });
  await start();
  gate.hold();
  log.begin(numbering());
  append([exec(1)]);
  append([exec(2), exec(3)]);
  log.begin(numbering({ bootId: 'next' }));
  append([exec(1), exec(2), exec(3)]);
  gate.release();
  await delivery.close(NEVER);
  t.is(gate.summary, '1 [2-3 output queue_full] [1-2 output queue_full] 3');
  t.deepEqual(gate.begun, ['boot 1', 'boot 2', 'next 1']);
});

test('a batch whose send throws is sent again after the output was closed and opened', async (t) => {
  const { gate, delivery, raised, start, append } = makeDelivery();
  await start();
  gate.outcomes.push(new Error('no space left'));
  append([exec(1), exec(2)]);
  await eventually(t, () => gate.taken.length === 2);
  t.is(gate.summary, '1 2');
  t.deepEqual(gate.life, ['open', 'close', 'open']);
  t.deepEqual(
    raised.map(({ event }) => event),
    ['OutputFailed', 'OutputRecovered'],
  );
  await delivery.close(NEVER);
});

test('an output that asks to be tried again stays open, unless it says otherwise', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.outcomes.push({ kind: 'retry', reason: 'busy' }, { kind: 'retry', reason: 'gone', reopen: true });
  append([exec(1)]);
  await eventually(t, () => gate.taken.length === 1);
  t.deepEqual(gate.life, ['open', 'close', 'open']);
  await delivery.close(NEVER);
});

test('an output that asks for patience gets it', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.outcomes.push({ kind: 'retry', reason: 'too many requests', afterMs: 60_000 });
  append([exec(1)]);
  await eventually(t, () => gate.batches.length === 1);
  await delay(50);
  t.is(gate.batches.length, 1);
  t.is(await delivery.close(NEVER), 0, 'closing does not wait for it');
  t.is(gate.summary, '1');
});

test('of a batch that was taken in part, only the rest is sent again', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.outcomes.push({ kind: 'retry', reason: 'no space left', taken: 2, reopen: true });
  append([1, 2, 3, 4].map(exec));
  await delivery.close(NEVER);
  t.is(gate.summary, '1 2 3 4');
  t.deepEqual(gate.batches, [4, 2]);
  t.deepEqual(gate.begun, ['undefined 1', 'undefined 3']);
});

test('a batch of which every record was taken before the failure is not sent again', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.outcomes.push({ kind: 'retry', reason: 'connection lost', taken: 2 });
  append([1, 2].map(exec));
  await eventually(t, () => delivery.lagRecords === 0);
  append([exec(3)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '1 2 3');
  t.deepEqual(gate.batches, [2, 1]);
});

test('a refused record becomes a gap, and holds up nothing', async (t) => {
  const { gate, delivery, raised, start, append } = makeDelivery();
  await start();
  gate.outcomes.push({ kind: 'refused', reason: 'mapping failed', records: [1, 2, 4] });
  append([1, 2, 3, 4, 5, 6].map(exec));
  append([exec(7)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '1 4 6 [2-3 output rejected] [5-5 output rejected] 7');
  t.like(
    raised.find(({ event }) => event === 'EventsRefused'),
    { level: 'error', output: 'test', reason: 'mapping failed', count: 3 },
  );
});

test('what is behind the last record that a refusal settles is sent again at once', async (t) => {
  const { gate, delivery, raised, start, append } = makeDelivery({ pace: { firstMs: 60_000, longestMs: 60_000 } });
  await start();
  gate.outcomes.push(
    { kind: 'refused', reason: 'mapping failed', records: [1], through: 2 },
    { kind: 'refused', reason: 'mapping failed', records: [0], through: 1 },
  );
  append([1, 2, 3, 4, 5].map(exec));
  await eventually(t, () => gate.summary === '1 4 5 [2-2 output rejected] [3-3 output rejected]');
  t.deepEqual(gate.batches, [5, 3, 2, 2]);
  t.is(raised.filter(({ event }) => event === 'EventsRefused').length, 1, 'the same reason is logged once a minute');
  t.is(delivery.lagRecords, 0);
  await delivery.close(NEVER);
});

test('what is behind it waits where the receiver had no room for it, and that counts as a failure', async (t) => {
  const { gate, delivery, raised, start, append } = makeDelivery({ pace: { firstMs: 60_000, longestMs: 60_000 } });
  await start();
  const again = { reason: 'too many requests', afterMs: 100 };
  gate.outcomes.push({ kind: 'refused', reason: 'mapping failed', records: [1], through: 2, again });
  append([1, 2, 3].map(exec));
  await eventually(t, () => raised.some(({ event, reason }) => event === 'OutputFailed' && reason === again.reason));
  t.is(gate.summary, '1');
  t.true(delivery.status.downMs > 0);
  await delivery.close(NEVER);
  t.is(gate.summary, '1 3 [2-2 output rejected]');
  t.deepEqual(
    raised.map(({ event }) => event),
    ['EventsRefused', 'OutputFailed', 'OutputRecovered'],
  );
});

test('a refusal that settles a whole batch, and says so, ends it', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.outcomes.push({ kind: 'refused', reason: 'mapping failed', records: [1], through: 2 });
  append([1, 2].map(exec));
  append([exec(3)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '1 [2-2 output rejected] 3');
});

test('a refused gap is not followed by a gap, which would be refused as well', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.outcomes.push({ kind: 'refused', reason: 'unknown type', records: [0] });
  append([gap(1, 1)]);
  append([exec(2)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '2');
});

test('a reader that is gone ends the delivery without a word', async (t) => {
  const { gate, delivery, raised, readerGone, start, append, log } = makeDelivery();
  await start();
  gate.outcomes.push(new ReaderGoneError('closed'));
  append([exec(1)]);
  await eventually(t, () => readerGone() === 1);
  append([exec(2)]);
  t.is(await delivery.close(NEVER), 0);
  t.deepEqual(raised, []);
  t.is(log.memoryBytes, 1024 * 1024);
});

test('closing gives up at the deadline and says how much was not delivered', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.hold();
  append([exec(1), exec(2)]);
  t.is(await delivery.close(delay(20)), 2);
  gate.release();
});

test('closing names the loss even if nothing came after it', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ maxLagBytes: 2 * ITEM_BYTES });
  await start();
  gate.hold();
  append([exec(1)]);
  append([exec(2), exec(3)]);
  const closed = delivery.close(NEVER);
  gate.release();
  await closed;
  t.is(gate.summary, '1 [2-2 output queue_full] 3');
});

test('what comes in after the last moment of an output is not for it', async (t) => {
  const { gate, delivery, start, append } = makeDelivery();
  await start();
  gate.hold();
  append([exec(1), exec(2)], 2);
  delivery.detach();
  append([exec(3)], 3);
  gate.release();
  await delivery.close(NEVER);
  t.is(gate.summary, '1 2');
  t.false(gate.calls.some((call) => call.startsWith('at boot 3')));
});

function numbering(overrides = {}): { bootId: string; firstSeq: number; lastSeq: number } {
  return { bootId: 'boot', firstSeq: 1, lastSeq: 9, ...overrides };
}

test('what the output has is left out, up to its position', async (t) => {
  const { gate, delivery, log, raised, start, append } = makeDelivery();
  gate.position = { bootId: 'boot', last: 4 };
  await start();
  t.is(log.begin(numbering()), 5);
  append([exec(1), gap(2, 3)]);
  append([exec(4), exec(5), exec(6)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '5 6');
  t.deepEqual(gate.begun, ['boot 5']);
  t.like(raised[0], { event: 'OutputResumed', level: 'info', after: 4 });
});

test('a gap that reaches over the position is cut to the rest', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery();
  gate.position = { bootId: 'boot', last: 4 };
  await start();
  log.begin(numbering());
  append([gap(1, 7), exec(8)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '[5-7 ring ring_full] 8');
});

test('what the output has is no loss when it is overtaken', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery({ maxLagBytes: 4 * ITEM_BYTES });
  gate.position = { bootId: 'boot', last: 3 };
  await start();
  log.begin(numbering());
  append([gap(1, 4), ...[5, 6, 7, 8, 9].map(exec)]);
  await delivery.close(NEVER);
  t.is(gate.summary, '[4-7 output queue_full] 8 9');
});

for (const [which, position] of Object.entries({
  'of another boot': { bootId: 'another', last: 4 },
  'above what was given': { bootId: 'boot', last: 10 },
})) {
  test(`a position ${which} leaves nothing out`, async (t) => {
    const { gate, delivery, log, start, append } = makeDelivery();
    gate.position = position;
    await start();
    t.is(log.begin(numbering()), undefined);
    append([exec(1), exec(2)]);
    await delivery.close(NEVER);
    t.is(gate.summary, '1 2');
  });
}

test('a helper that begins its numbers again before the position was reached is believed', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery();
  gate.position = { bootId: 'boot', last: 7 };
  await start();
  t.is(log.begin(numbering()), 8);
  append([exec(1)]);
  t.is(log.begin(numbering({ lastSeq: 2 })), undefined);
  append([exec(1), exec(2)]);
  await delivery.close(NEVER);
  t.is(gate.summary.split(' ').at(-1), '2');
});

test('a batch has lines of one boot', async (t) => {
  const { gate, delivery, log, start, append } = makeDelivery();
  await start();
  gate.hold();
  log.begin(numbering());
  append([exec(8), exec(9)]);
  log.begin(numbering({ bootId: 'next' }));
  append([exec(1)]);
  gate.release();
  await delivery.close(NEVER);
  t.deepEqual(gate.begun, ['boot 8', 'next 1']);
  t.is(gate.summary, '8 9 1');
});

test('there is something to wait for only while the lag is large and a send is under way', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ maxLagBytes: 8 * ITEM_BYTES });
  await start();
  gate.hold();
  append([exec(1)]);
  await eventually(t, () => gate.batches.length === 1);
  t.is(delivery.congestion, undefined);
  append([exec(2), exec(3)]);
  t.truthy(delivery.congestion);
  const send = delivery.congestion;
  gate.release();
  await send;
  await delivery.close(NEVER);
  t.is(delivery.congestion, undefined);
});

test('an output that cannot be opened is tried again when it may', async (t) => {
  const gate = new Gate();
  const open = gate.open.bind(gate);
  let attempts = 0;
  gate.open = async () => {
    if (++attempts < 3) throw new Error('not yet');
    await open();
  };
  const { delivery, log, append } = makeDelivery({ output: gate });
  delivery.attach(log);
  append([exec(1)]);
  delivery.start();
  await eventually(t, () => gate.summary === '1');
  await delivery.close(NEVER);
});
