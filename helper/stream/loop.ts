import type { HeartbeatEvent } from '../../shared/events/heartbeat.ts';
import { HEARTBEAT_SECONDS } from '../../shared/protocol/limits.ts';
import { microseconds, type Clock } from './clock.ts';
import type { EventSource } from './event-source.ts';
import {
  DRAIN_INTERVAL_MS,
  FLUSH_MS,
  HEARTBEAT_TRIES,
  LAGGING_INTERVAL_MS,
  QUIET_MS,
  SETTLE_INTERVAL_MS,
  SOURCE_END_MS,
} from '../limits.ts';
import type { PipeServer } from '../pipe/server.ts';
import type { HelperState } from './state.ts';
import type { EventStream } from './stream.ts';

/** Reports to a service manager. */
export interface Reports {
  /** Clients can connect. */
  ready(): void;
  /** The loop has come round once more. */
  alive(): void;
  /** The helper was told to stop. */
  stopping(): void;
}

interface LoopParts {
  readonly source: EventSource;
  readonly pipe: PipeServer;
  readonly state: HelperState;
  readonly clock: Clock;
  readonly stream: Pick<EventStream, 'followClock'>;
  readonly reports?: Reports | undefined;
}

/**
 * Moves events from the source to the clients until it is stopped; the same on
 * every system. The source has begun.
 * @param onEnd called when all is sent after it was told to stop; ends the process
 * @returns stops it: sends what clients take in time
 */
export function startLoop(
  { source, pipe, state, clock, stream, reports }: LoopParts,
  onEnd: () => void = () => process.exit(0),
): () => void {
  // In turns while events come; after a quiet time, when the source says that there are some.
  let newest = performance.now();
  /** For the next turn. Used again while the pace stays: to make one for each turn takes longer than to start it. */
  let timer: NodeJS.Timeout | undefined;
  let timerMs = 0;
  const woken = (): void => {
    newest = performance.now();
    drain();
  };
  const drain = (): void => {
    const { lastSeq } = state;
    stream.followClock();
    const more = source.drain();
    pipe.pump();
    const now = performance.now();
    const events = state.lastSeq - lastSeq;
    if (events > 0) newest = now;
    if (more) {
      if (pipe.isLagging) setTimeout(drain, LAGGING_INTERVAL_MS);
      else setImmediate(drain);
    } else if (now - newest >= QUIET_MS) source.wake(woken);
    else {
      const ms = Math.ceil(source.nextLookMs?.(now, events) ?? DRAIN_INTERVAL_MS);
      if (timer !== undefined && ms === timerMs) timer.refresh();
      else timer = setTimeout(drain, (timerMs = ms));
    }
  };
  const settle = (): void => {
    state.recordPipe(pipe);
    stream.followClock();
    source.settle();
    pipe.pump();
    // Only here, after all of it: a loop that hangs anywhere reports nothing.
    reports?.alive();
  };
  setImmediate(drain);
  setInterval(settle, SETTLE_INTERVAL_MS);
  setInterval(() => {
    stream.followClock();
    const beat = `${JSON.stringify(heartbeat(source, state, clock))}\n`;
    pipe.pump();
    pipe.heartbeat(beat);
  }, HEARTBEAT_SECONDS * 1000);

  reports?.ready();
  return () => {
    reports?.stopping();
    pipe.stopListening();
    settle();
    let ended = source.end === undefined;
    let deadline = performance.now() + (ended ? FLUSH_MS : SOURCE_END_MS);
    setInterval(() => {
      if (!ended && (ended = source.end?.() ?? true)) deadline = performance.now() + FLUSH_MS;
      const more = source.drain();
      pipe.pump();
      if ((ended && pipe.flushed && !more) || performance.now() > deadline) onEnd();
    }, 10);
  };
}

function heartbeat(source: EventSource, state: HelperState, clock: Clock): HeartbeatEvent {
  // At a moment when nothing is on its way, if there is one: then the two counts are equal, and anyone can see it.
  let count = source.count();
  for (let tries = 0; tries < HEARTBEAT_TRIES && count.events !== state.lastSeq - state.firstSeq + 1; tries++) {
    source.drain();
    count = source.count();
  }
  const boot = clock.boot();
  return {
    type: 'heartbeat',
    time: clock.format(clock.fromBoot(boot.seconds, boot.nanoseconds)),
    wall_clock: clock.format(clock.wall()),
    boot_clock: microseconds(boot),
    kernel_count: count.events,
    kernel_lost: count.lost,
    last_seq: state.lastSeq,
  };
}
