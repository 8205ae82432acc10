import test from 'ava';
import { Backlog } from '../../../../helper/pipe/backlog.ts';
import { Clock } from '../../../../helper/stream/clock.ts';
import type { SourceDescription } from '../../../../helper/stream/event-source.ts';
import { HelperState } from '../../../../helper/stream/state.ts';
import { EventStream } from '../../../../helper/stream/stream.ts';
import { EtwSource } from '../../../../helper/windows/etw/etw-source.ts';
import type { ProcessLines } from '../../../../helper/windows/etw/process-line.ts';
import { RECORD, RecordRing } from '../../../../helper/windows/etw/record-ring.ts';
import type { EtwSession } from '../../../../helper/windows/etw/session.ts';
import { processStart, START } from '../../../support/etw-payloads.ts';

/** A source whose session was stopped and runs again, between the processes of these numbers. */
function acrossStop(before: bigint, after: bigint): number {
  const still = { seconds: 1, nanoseconds: 0 };
  const state = new HelperState(new ArrayBuffer(HelperState.bytesFor(1)), 1);
  state.begin(1, { seconds: 0, nanoseconds: 0 });
  const stream = new EventStream(
    new Backlog(Buffer.alloc(1 << 20), state, () => undefined),
    state,
    new Clock({ boot: () => still, wall: () => still }, { seconds: 0, nanoseconds: 0 }),
  );
  const ring = new RecordRing(RecordRing.allocate(1 << 16));
  const session = { flush: () => undefined, start: () => undefined, losses: () => undefined, stop: () => undefined };
  const source = new EtwSource({
    session: session as unknown as EtwSession,
    openTrace: () => source.notice({ type: 'opened' }),
    ring,
    state,
    stream,
    lines: { build: () => () => '{}\n' } as unknown as ProcessLines,
    description: {} as SourceDescription,
  });
  const begin = (sequence: bigint, pid: number): void =>
    ring.push(RECORD.kernelProcess, 4, START.created, processStart(4, { ...START, pid, sequence }), 0);
  begin(before, 1);
  source.drain();
  source.notice({ type: 'ended', call: 'ProcessTrace', status: 0 });
  source.settle();
  begin(after, 2);
  source.drain();
  return source.count().lost;
}

test('the numbers of the processes tell how many began while no session ran', (t) => {
  t.is(acrossStop(900n, 901n), 1);
  t.is(acrossStop(900n, 905n), 4);
});

test('a number that cannot be one takes no numbers with it', (t) => {
  for (const sequence of [0n, 899n, 900n + 2_000_000n, 2n ** 52n, 2n ** 63n, 2n ** 64n - 1n])
    t.is(acrossStop(900n, sequence), 1, String(sequence));
});
