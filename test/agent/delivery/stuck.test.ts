import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Batch, Outcome } from '../../../agent/outputs/output.ts';
import { exec } from '../support/items.ts';
import { eventually, Gate, makeDelivery, NEVER } from './support.ts';

const BOOT = { bootId: 'boot', firstSeq: 1, lastSeq: 99 };
const STUCK_MS = 250;

/** Counts as stuck soon, and keeps its last batch. */
class StuckGate extends Gate {
  readonly stuckAfterMs = STUCK_MS;
  batch: Batch | undefined;

  override send(batch: Batch): Promise<Outcome> {
    this.batch = batch;
    return super.send(batch);
  }
}

test('an output is stuck when a step takes far too long, unless it says that it works', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({ output: new StuckGate() });
  await start();
  t.is(delivery.status.stuckMs, 0, 'nothing to do');
  gate.hold();
  append([exec(1)]);
  await eventually(t, () => gate.begun.length === 1);
  t.is(delivery.status.stuckMs, 0, 'not at once');
  for (let i = 0; i < 10; i++) {
    await delay(STUCK_MS / 4);
    (gate as StuckGate).batch?.stillWorking();
    t.is(delivery.status.stuckMs, 0);
  }
  await delay(2 * STUCK_MS);
  t.true(delivery.status.stuckMs >= STUCK_MS);
  gate.release();
  await eventually(t, () => gate.taken.length === 1);
  t.is(delivery.status.stuckMs, 0);
  await delivery.close(NEVER);
});

test('a step of any kind can be stuck: open, close, and the bookmark', async (t) => {
  for (const step of ['open', 'close', 'commit'] as const) {
    const gate = new StuckGate();
    const { delivery, log, start, append } = makeDelivery({ output: gate });
    await start();
    log.begin(BOOT);
    const until = Promise.withResolvers<void>();
    let hangs = false;
    const hang = async (): Promise<void> => {
      hangs = true;
      await until.promise;
    };
    if (step === 'commit') gate.bookmark.commit = hang;
    else {
      gate[step] = hang;
      gate.outcomes.push({ kind: 'retry', reason: 'x', reopen: true });
    }
    append([exec(1)]);
    await eventually(t, () => hangs, step);
    await delay(2 * STUCK_MS);
    t.true(delivery.status.stuckMs > 0, step);
    until.resolve();
    await eventually(t, () => delivery.status.lagRecords === 0 && delivery.status.stuckMs === 0, step);
    await delivery.close(NEVER);
  }
});

test('a receiver that is away is not stuck, however long', async (t) => {
  const { gate, delivery, start, append } = makeDelivery({
    output: new StuckGate(),
    pace: { firstMs: 5 * STUCK_MS, longestMs: 5 * STUCK_MS },
  });
  await start();
  gate.outcomes.push(...Array.from({ length: 8 }, (): Outcome => ({ kind: 'retry', reason: 'away' })));
  append([exec(1)]);
  await eventually(t, () => delivery.status.downMs > 2 * STUCK_MS);
  for (let i = 0; i < 8; i++) {
    await delay(STUCK_MS / 4);
    t.is(delivery.status.stuckMs, 0);
  }
  await delivery.close(NEVER);
});
