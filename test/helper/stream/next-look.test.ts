import test from 'ava';
import { DRAIN_INTERVAL_MS } from '../../../helper/limits.ts';
import type { PipeServer } from '../../../helper/pipe/server.ts';
import { Clock } from '../../../helper/stream/clock.ts';
import type { EventSource } from '../../../helper/stream/event-source.ts';
import { startLoop } from '../../../helper/stream/loop.ts';
import type { HelperState } from '../../../helper/stream/state.ts';

// The loop runs as long as its process; this one has to end.
const { setInterval: everlasting, setTimeout: inTime } = globalThis;
const waits: (number | undefined)[] = [];
test.before(() => {
  globalThis.setInterval = ((...args: Parameters<typeof everlasting>) =>
    everlasting(...args).unref()) as typeof everlasting;
  globalThis.setTimeout = ((...args: Parameters<typeof inTime>) => {
    waits.push(args[1]);
    return inTime(...args);
  }) as typeof inTime;
});
test.after.always(() => {
  globalThis.setInterval = everlasting;
  globalThis.setTimeout = inTime;
});

test('the source says how soon the next look is due', async (t) => {
  const state = { firstSeq: 1, lastSeq: 0, recordPipe: () => undefined };
  const zero = (): { seconds: number; nanoseconds: number } => ({ seconds: 0, nanoseconds: 0 });
  const looked = Promise.withResolvers<void>();
  let looks = 0;
  const source = {
    drain() {
      looks++;
      return false;
    },
    nextLookMs(now: number) {
      t.true(now > 0 && now <= performance.now());
      if (looks === 3) looked.resolve();
      return looks < 3 ? 10 * looks : DRAIN_INTERVAL_MS;
    },
    wake: () => undefined,
    settle: () => undefined,
    count: () => ({ events: 0, lost: 0 }),
  };
  startLoop({
    source: source as unknown as EventSource,
    pipe: { isLagging: false, pump: () => undefined, heartbeat: () => undefined } as unknown as PipeServer,
    state: state as unknown as HelperState,
    clock: new Clock({ boot: zero, wall: zero }, zero()),
    stream: { followClock: () => undefined },
  });
  await looked.promise;
  t.deepEqual(waits.slice(0, 2), [10, 20]);
});
