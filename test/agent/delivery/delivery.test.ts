import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Lane, type LaneOptions } from '../../../agent/delivery/log/cursor.ts';
import { ReaderGoneError, WriteError, type Output } from '../../../agent/outputs/output.ts';
import type { Position } from '../../../agent/events/position.ts';
import { alertOf, type Item } from '../../../agent/events/item.ts';
import { exec, gap, summary, toItem } from '../support/items.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

/** An output whose writes wait until they are let through, or fail on request. */
class Gate implements Output {
  position: Position | undefined;
  begun: string[] = [];
  taken: string[] = [];
  calls: string[] = [];
  failures: Error[] = [];
  #held: PromiseWithResolvers<void> | undefined;

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async open(): Promise<void> {
    this.calls.push('open');
  }

  async reached(bootId: string, last: number): Promise<void> {
    this.calls.push(`reached ${bootId} ${last} after ${this.taken.length}`);
  }

  async begin(bootId: string, first: number): Promise<void> {
    this.begun.push(`${bootId} ${first}`);
  }

  async write(lines: Buffer): Promise<void> {
    await this.#held?.promise;
    const failure = this.failures.shift();
    const taken = failure === undefined ? lines.length : failure instanceof WriteError ? failure.taken : 0;
    this.taken.push(...lines.toString('utf8', 0, taken).split('\n').slice(0, -1));
    if (failure !== undefined) throw failure;
  }

  async flush(): Promise<void> {
    this.calls.push('flush');
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  get summary(): string {
    return summary(this.taken.map((line) => toItem(JSON.parse(line) as object)));
  }
}

const ITEM_BYTES = exec(1).bytes;
const NEVER = new Promise<void>(() => undefined);

function makeLane(options: Partial<LaneOptions> = {}) {
  const gate = new Gate();
  const { telemetry, raised } = recordingTelemetry();
  let readerGone = 0;
  const lane = new Lane({
    name: 'test',
    output: gate,
    maxQueueBytes: 1024 * 1024,
    telemetry,
    onReaderGone: () => void readerGone++,
    retryMs: { first: 1, longest: 2 },
    ...options,
  });
  return { gate, lane, raised, readerGone: () => readerGone };
}

async function eventually(t: ExecutionContext, what: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !what(); i++) await delay(2);
  t.true(what());
}

test('items arrive in order and whole', async (t) => {
  const { gate, lane } = makeLane();
  await lane.open();
  lane.accept([exec(1), exec(2)]);
  lane.accept([exec(3)]);
  t.is(await lane.close(NEVER), 0);
  t.is(gate.summary, '1 2 3');
  t.deepEqual(gate.calls, ['open', 'flush', 'close']);
});

test('what does not fit is dropped, and one exact gap takes its place', async (t) => {
  const { gate, lane, raised } = makeLane({ maxQueueBytes: 4 * ITEM_BYTES });
  await lane.open();
  gate.hold();
  lane.accept([1, 2, 3, 4, 5, 6, 7, 8, 9].map(exec));
  gate.release();
  await eventually(t, () => gate.summary === '1 2 3 4 [5-9 output queue_full]');
  lane.accept([exec(10)]);
  await lane.close(NEVER);
  t.is(gate.summary, '1 2 3 4 [5-9 output queue_full] 10');
  t.like(
    raised.find(({ event }) => event === 'EventsDropped'),
    { level: 'error', output: 'test', first: 5, last: 9, count: 5 },
  );
});

test('a gap that is dropped counts with the numbers it stands for', async (t) => {
  const { gate, lane } = makeLane({ maxQueueBytes: 2 * ITEM_BYTES });
  await lane.open();
  gate.hold();
  lane.accept([exec(1), exec(2), exec(3), gap(4, 13), exec(14)]);
  gate.release();
  await lane.close(NEVER);
  t.is(gate.summary, '1 2 [3-14 output queue_full]');
});

test('numbers that other stages took out are not counted as dropped', async (t) => {
  const { gate, lane } = makeLane({ maxQueueBytes: 2 * ITEM_BYTES });
  await lane.open();
  gate.hold();
  lane.accept([exec(1), exec(2), exec(4), exec(6)]);
  gate.release();
  await lane.close(NEVER);
  t.is(gate.summary, '1 2 [4-6 output queue_full count 2]');
});

test('a full queue accepts again when it is half empty, not at the first free byte', async (t) => {
  const { gate, lane } = makeLane({ maxQueueBytes: 4 * ITEM_BYTES });
  await lane.open();
  gate.hold();
  lane.accept([1, 2, 3, 4, 5].map(exec));
  gate.failures.push(new WriteError('disk full', ITEM_BYTES));
  gate.release();
  await eventually(t, () => lane.queuedRecords <= 3);
  lane.accept([exec(6)]);
  await lane.close(NEVER);
  t.is(gate.summary, '1 2 3 4 [5-6 output queue_full]');
});

test('an event larger than the queue passes when the queue is empty', async (t) => {
  const { gate, lane } = makeLane({ maxQueueBytes: 64 });
  await lane.open();
  lane.accept([exec(1)]);
  await lane.close(NEVER);
  t.is(gate.summary, '1');
});

test('events without a number that do not fit are in the log, since no gap can name them', async (t) => {
  const { gate, lane, raised } = makeLane({ maxQueueBytes: ITEM_BYTES });
  await lane.open();
  gate.hold();
  lane.accept([exec(1), toItem({ type: 'notice' })]);
  gate.release();
  await lane.close(NEVER);
  t.is(gate.summary, '1');
  t.like(
    raised.find(({ event }) => event === 'EventsDropped'),
    { unnumbered: 1 },
  );
});

test('a failed batch is written again after the output was closed and opened', async (t) => {
  const { gate, lane, raised } = makeLane();
  await lane.open();
  gate.failures.push(new Error('no space left'));
  lane.accept([exec(1), exec(2)]);
  await eventually(t, () => gate.taken.length === 2);
  t.is(gate.summary, '1 2');
  t.deepEqual(gate.calls, ['open', 'close', 'open']);
  t.deepEqual(
    raised.map(({ event }) => event),
    ['OutputFailed', 'OutputRecovered'],
  );
  await lane.close(NEVER);
});

test('of a batch that was written in part, only the rest is written again', async (t) => {
  const { gate, lane } = makeLane();
  await lane.open();
  gate.failures.push(new WriteError('no space left', 2 * ITEM_BYTES));
  lane.accept([1, 2, 3, 4].map(exec));
  await lane.close(NEVER);
  t.is(gate.summary, '1 2 3 4');
});

test('a reader that is gone ends the lane without a word', async (t) => {
  const { gate, lane, raised, readerGone } = makeLane();
  await lane.open();
  gate.failures.push(new ReaderGoneError('closed'));
  lane.accept([exec(1)]);
  await eventually(t, () => readerGone() === 1);
  lane.accept([exec(2)]);
  t.is(await lane.close(NEVER), 0);
  t.deepEqual(raised, []);
});

test('closing gives up at the deadline and says how much was not written', async (t) => {
  const { gate, lane } = makeLane();
  await lane.open();
  gate.hold();
  lane.accept([exec(1), exec(2)]);
  t.is(await lane.close(delay(20)), 2);
  gate.release();
});

test('closing names what was dropped even if nothing came after it', async (t) => {
  const { gate, lane } = makeLane({ maxQueueBytes: 2 * ITEM_BYTES });
  await lane.open();
  gate.hold();
  lane.accept([1, 2, 3].map(exec));
  const closed = lane.close(NEVER);
  gate.release();
  await closed;
  t.is(gate.summary, '1 2 [3-3 output queue_full]');
});

const numbering = (overrides = {}): { bootId: string; firstSeq: number; lastSeq: number } => ({
  bootId: 'boot',
  firstSeq: 1,
  lastSeq: 9,
  ...overrides,
});

test('what the output has stored is left out, up to its position', async (t) => {
  const { gate, lane, raised } = makeLane();
  gate.position = { bootId: 'boot', last: 4 };
  await lane.open();
  t.is(lane.begin(numbering()), 4);
  lane.accept([exec(1), gap(2, 3)]);
  lane.accept([exec(4), exec(5), exec(6)]);
  await lane.close(NEVER);
  t.is(gate.summary, '5 6');
  t.deepEqual(gate.begun, ['boot 5']);
  t.like(raised[0], { event: 'OutputResumed', level: 'info', after: 4 });
});

test('a gap that reaches over the position is cut to the rest', async (t) => {
  const { gate, lane } = makeLane();
  gate.position = { bootId: 'boot', last: 4 };
  await lane.open();
  lane.begin(numbering());
  lane.accept([gap(1, 7), exec(8)]);
  await lane.close(NEVER);
  t.is(gate.summary, '[5-7 ring ring_full] 8');
});

for (const [what, position] of Object.entries({
  'of another boot': { bootId: 'another', last: 4 },
  'above what was given': { bootId: 'boot', last: 10 },
})) {
  test(`a position ${what} leaves nothing out`, async (t) => {
    const { gate, lane } = makeLane();
    gate.position = position;
    await lane.open();
    t.is(lane.begin(numbering()), undefined);
    lane.accept([exec(1), exec(2)]);
    await lane.close(NEVER);
    t.is(gate.summary, '1 2');
  });
}

test('a helper that begins its numbers again before the position was reached is believed', async (t) => {
  const { gate, lane } = makeLane();
  gate.position = { bootId: 'boot', last: 7 };
  await lane.open();
  t.is(lane.begin(numbering()), 7);
  lane.accept([exec(1)]);
  t.is(lane.begin(numbering({ lastSeq: 2 })), undefined);
  lane.accept([exec(1), exec(2)]);
  await lane.close(NEVER);
  t.is(gate.summary, '1 2');
});

test('a boot that changes is told to the output between the lines of both', async (t) => {
  const { gate, lane } = makeLane();
  await lane.open();
  gate.hold();
  lane.begin(numbering());
  lane.accept([exec(8), exec(9)]);
  lane.begin(numbering({ bootId: 'next' }));
  lane.accept([exec(1)]);
  t.deepEqual(gate.begun, ['boot 8']);
  gate.release();
  await lane.close(NEVER);
  t.deepEqual(gate.begun, ['boot 8', 'next 1']);
  t.is(gate.summary, '8 9 1');
});

test('an output that was opened again is told of the boot again', async (t) => {
  const { gate, lane } = makeLane();
  await lane.open();
  lane.begin(numbering());
  gate.failures.push(new Error('no space left'));
  lane.accept([exec(1)]);
  await lane.close(NEVER);
  t.deepEqual(gate.begun, ['boot 1', 'boot 1']);
  t.is(gate.summary, '1');
});

test('a lane says what to wait for only while much is queued and a write is under way', async (t) => {
  const { gate, lane } = makeLane({ maxQueueBytes: 8 * ITEM_BYTES });
  await lane.open();
  gate.hold();
  lane.accept([exec(1)]);
  await eventually(t, () => lane.queuedRecords === 1);
  t.is(lane.congestion, undefined);
  lane.accept([exec(2), exec(3)]);
  t.truthy(lane.congestion);
  const write = lane.congestion;
  gate.release();
  await write;
  await lane.close(NEVER);
  t.is(lane.congestion, undefined);
});

test('a lane that failed to open keeps trying when it may', async (t) => {
  const { gate, lane } = makeLane();
  const open = gate.open.bind(gate);
  let attempts = 0;
  gate.open = async () => {
    if (++attempts < 3) throw new Error('not yet');
    await open();
  };
  lane.accept([exec(1)]);
  lane.openEventually();
  await eventually(t, () => gate.summary === '1');
  await lane.close(NEVER);
});

const BOOT = { bootId: 'boot', firstSeq: 1, lastSeq: 99 };
const alert = (seq: number): Item => alertOf(exec(seq).event, exec(seq));

test('a lane for alerts takes alerts and gaps', async (t) => {
  const { gate, lane } = makeLane({ alertsOnly: true });
  await lane.open();
  lane.accept([exec(1), alert(2), gap(3, 5), toItem({ type: 'later' }), exec(6)], 6);
  await lane.close(NEVER);
  t.is(gate.summary, '2 [3-5 ring ring_full]');
});

test('an output is told how far events went that it did not get: once they have stopped, and not before its own are written', async (t) => {
  const { gate, lane } = makeLane({ reachedAfterMs: 5 });
  await lane.open();
  lane.begin(BOOT);
  gate.hold();
  lane.accept([exec(1)], 4);
  await delay(20);
  t.deepEqual(gate.calls, ['open']);
  lane.accept([], 9);
  gate.release();
  await eventually(t, () => gate.calls.length === 2);
  t.is(gate.calls[1], 'reached boot 9 after 1');
  lane.accept([exec(10)], 10);
  await delay(20);
  t.is(gate.calls.length, 2, 'the line says it');
  await lane.close(NEVER);
});

test('an output that lost events is not told of what lies behind them before it has the gap', async (t) => {
  const { gate, lane } = makeLane({ reachedAfterMs: 1, maxQueueBytes: ITEM_BYTES * 2 });
  await lane.open();
  lane.begin(BOOT);
  gate.hold();
  // Numbers 2, 4 and so on were dropped by a filter: they are not among what is lost.
  lane.accept([exec(1), exec(3), exec(5), exec(7), exec(9)], 12);
  await delay(10);
  gate.release();
  await eventually(t, () => gate.calls.some((call) => call.startsWith('reached')));
  await lane.close(NEVER);
  t.is(gate.summary, '1 3 [5-9 output queue_full count 3]');
  t.deepEqual(
    gate.calls.filter((call) => call.startsWith('reached')),
    ['reached boot 12 after 3'],
  );
});

test('what passes in the last moment is told when the lane closes', async (t) => {
  const { gate, lane } = makeLane();
  await lane.open();
  lane.begin(BOOT);
  lane.accept([exec(1)], 8);
  await lane.close(NEVER);
  t.deepEqual(gate.calls, ['open', 'reached boot 8 after 1', 'flush', 'close']);
});

test('while a replay brings what the output has, nothing is told', async (t) => {
  const { gate, lane } = makeLane({ reachedAfterMs: 1 });
  gate.position = { bootId: 'boot', last: 50 };
  await lane.open();
  t.is(lane.begin(BOOT), 50);
  lane.accept([exec(3)], 9);
  await delay(20);
  t.deepEqual(gate.calls, ['open']);
  lane.accept([], 60);
  await lane.close(NEVER);
  t.true(gate.calls.includes('reached boot 60 after 0'));
});
