import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Clock } from '../../../helper/stream/clock.ts';
import type { EventSource } from '../../../helper/stream/event-source.ts';
import {
  AFTER_QUIET_INTERVAL_MS,
  DEFAULT_RING_BYTES,
  DRAIN_INTERVAL_MS,
  QUIET_MS,
  STORM_INTERVAL_MS,
} from '../../../helper/limits.ts';
import { startLoop } from '../../../helper/stream/loop.ts';
import type { PipeServer } from '../../../helper/pipe/server.ts';
import type { HelperState } from '../../../helper/stream/state.ts';

// The loop runs as long as its process; this one has other tests to run.
const { setInterval: everlasting } = globalThis;
test.before(() => {
  globalThis.setInterval = ((...args: Parameters<typeof everlasting>) =>
    everlasting(...args).unref()) as typeof everlasting;
});
test.after.always(() => {
  globalThis.setInterval = everlasting;
});

test.serial(
  'draining stops after a quiet time, and goes on when the source says that there is something',
  async (t) => {
    const state = { firstSeq: 1, lastSeq: 0, recordPipe: () => undefined };
    const pipe = {
      isLagging: false,
      flushed: true,
      pump: () => undefined,
      heartbeat: () => undefined,
      stopListening: () => undefined,
    };
    let waiting = 0;
    let looks = 0;
    let drained = 0;
    let left = 0;
    const woken = Promise.withResolvers<() => void>();
    const source: Pick<EventSource, 'drain' | 'wake' | 'settle' | 'count'> = {
      drain() {
        drained++;
        if (left > 0) state.lastSeq++;
        return left-- > 1;
      },
      wake(callback) {
        waiting++;
        woken.resolve(callback);
      },
      settle: () => undefined,
      count: () => ({ events: state.lastSeq, lost: 0 }),
    };
    const zero = (): { seconds: number; nanoseconds: number } => ({ seconds: 0, nanoseconds: 0 });
    const began = performance.now();
    const reports: string[] = [];
    const stop = startLoop(
      {
        source: source as EventSource,
        pipe: pipe as unknown as PipeServer,
        state: state as unknown as HelperState,
        clock: new Clock({ boot: zero, wall: zero }, zero()),
        stream: { followClock: () => void looks++ },
        reports: {
          ready: () => void reports.push('ready'),
          alive: () => void reports.push('alive'),
          stopping: () => void reports.push('stopping'),
        },
      },
      () => undefined,
    );
    t.deepEqual(reports, ['ready']);
    const wake = await woken.promise;
    t.true(performance.now() - began >= QUIET_MS);
    t.true(drained > 1, 'until then it looks by itself');
    t.is(looks, drained, 'at the clock, too, before each time');

    const before = drained;
    await delay(100);
    t.is(drained, before, 'it waits');
    left = 3;
    wake();
    await delay(20);
    t.is(state.lastSeq, 3, 'all that is there, at once');
    t.is(waiting, 1, 'it is awake until it is quiet again');
    stop();
    t.deepEqual(new Set(reports.slice(1)), new Set(['stopping', 'alive']));
  },
);

test.serial('the source says how soon the next look is due', (t) => {
  const state = { firstSeq: 1, lastSeq: 0 };
  let events = 0;
  let answer = 0;
  const source = {
    drain() {
      state.lastSeq += events;
      return false;
    },
    nextLookMs: ((now: number, found: number) => {
      t.true(now > 0 && now <= performance.now());
      t.is(found, events);
      return answer;
    }) as EventSource['nextLookMs'],
  };
  const { setTimeout: realTimeout, setImmediate: realImmediate } = globalThis;
  /** The turn that was asked for last, and after how many milliseconds. */
  let turn = (): void => undefined;
  let waitMs = 0;
  let timers = 0;
  globalThis.setImmediate = ((callback: () => void) => void (turn = callback)) as unknown as typeof setImmediate;
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    timers++;
    const timer = {
      refresh() {
        turn = callback;
        waitMs = ms;
        return timer;
      },
    };
    return timer.refresh();
  }) as unknown as typeof setTimeout;
  t.teardown(() => {
    globalThis.setTimeout = realTimeout;
    globalThis.setImmediate = realImmediate;
  });
  const zero = (): { seconds: number; nanoseconds: number } => ({ seconds: 0, nanoseconds: 0 });
  startLoop({
    source: source as unknown as EventSource,
    pipe: { isLagging: false, pump: () => undefined } as unknown as PipeServer,
    state: state as unknown as HelperState,
    clock: new Clock({ boot: zero, wall: zero }, zero()),
    stream: { followClock: () => undefined },
  });
  for (const [found, answered, expected, made] of [
    [1, 45, 45, 1],
    [2, 45, 45, 1],
    [40, 100, 100, 2],
    [40, 100, 100, 2],
    [40, 9.2, 10, 3],
    [0, undefined, DRAIN_INTERVAL_MS, 4],
  ] as const) {
    events = found;
    if (answered === undefined) source.nextLookMs = undefined;
    else answer = answered;
    waitMs = 0;
    turn();
    t.is(waitMs, expected);
    t.is(timers, made, 'a timer is used again while the pace stays');
  }
});

test('the paces keep what is promised from exec to file, and what the kernel program relies on', (t) => {
  // 99 % in less than 50 ms while it is quiet, and 120 ms in a storm; some milliseconds are for what follows the look.
  t.true(DRAIN_INTERVAL_MS <= 46);
  t.true(STORM_INTERVAL_MS <= 110);
  t.true(STORM_INTERVAL_MS < QUIET_MS);
  // After a quiet time, command lines of 128 KiB at 2,500 a second find room until the second look, also where that is 5 ms late.
  t.true((AFTER_QUIET_INTERVAL_MS + 5) * 2.5 * 131_072 < (DEFAULT_RING_BYTES * 7) / 8);
});
