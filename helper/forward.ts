import type { HelloEvent } from '../shared/events/hello.ts';
import type { HeartbeatEvent } from '../shared/events/heartbeat.ts';
import { HEARTBEAT_SECONDS } from '../shared/protocol/limits.ts';
import { PROTOCOL_VERSION } from '../shared/protocol/version.ts';
import { VERSION } from '../shared/version.ts';
import { Clock, readBootEpoch } from './clock.ts';
import { KernelCounters } from './ebpf/counters.ts';
import { EbpfSource } from './ebpf/ebpf-source.ts';
import type { EventSource } from './event-source.ts';
import { loadKoffi } from './ffi/koffi.ts';
import { bindLibc } from './ffi/libc.ts';
import type { Handoff } from './handoff.ts';
import { locateInstallation } from './installation.ts';
import { DRAIN_INTERVAL_MS, FLUSH_MS, HEARTBEAT_TRIES, LAGGING_INTERVAL_MS, SETTLE_INTERVAL_MS } from './limits.ts';
import { Backlog } from './pipe/backlog.ts';
import { rootOrGroup } from './pipe/peer.ts';
import { PipeServer } from './pipe/server.ts';
import { restrictSystemCalls } from './privileges/seccomp.ts';
import { requireNoPrivileges, ThreadPrivileges } from './privileges/state.ts';
import { say } from './say.ts';
import { HelperState } from './state.ts';
import { EventStream } from './stream.ts';

/**
 * The forwarding stage: no privilege, a few inherited descriptors, and a loop that
 * moves events from the source into the backlog and from there to the clients.
 * Returns when the loop is set up; the process ends with SIGTERM or SIGINT.
 */
export function forward(handoff: Handoff): void {
  const threads = new ThreadPrivileges();
  requireNoPrivileges(threads.read(), handoff.uid, handoff.gid);

  const koffi = loadKoffi(locateInstallation().addon);
  const libc = bindLibc(koffi);
  const { probe } = handoff;
  const counters = new KernelCounters(libc, probe.counters, probe.cpus);

  const memory = libc.map(probe.backlog, probe.backlogBytes, 0, true);
  const stateBytes = Math.ceil(HelperState.bytesFor(counters.size) / 4096) * 4096;
  const state = new HelperState(memory, counters.size);
  if (!state.restored) {
    const { seconds, nanoseconds } = libc.clock(7);
    // Microseconds since boot: larger than any number that an earlier helper of this boot can have given.
    state.begin(seconds * 1_000_000 + Math.floor(nanoseconds / 1000), readBootEpoch(libc));
  }
  const clock = new Clock(libc, state.epoch);
  const backlog = new Backlog(Buffer.from(memory, stateBytes), state, () => state.commit());
  const source: EventSource = new EbpfSource(libc, probe, counters, state, new EventStream(backlog, state, clock), clock);

  source.begin();

  // All is open that will ever be. From here on the process can do little but forward.
  restrictSystemCalls(libc);
  const privileges = { ...threads.read(), landlock: handoff.landlock };
  threads.close();

  const pipe = new PipeServer(koffi, libc, handoff.listener, backlog, rootOrGroup(handoff.group), () =>
    line<HelloEvent>({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      helper: VERSION,
      time: clock.now(),
      privileges,
      first_seq: state.firstSeq,
      last_seq: state.lastSeq,
      ...oldestHeld(backlog),
      heartbeat_seconds: HEARTBEAT_SECONDS,
      ...source.description,
    }),
  );
  const heartbeat = (): string => {
    // At a moment when nothing is on its way, if there is one: then the two counts are equal, and anyone can see it.
    let count = source.count();
    for (let tries = 0; tries < HEARTBEAT_TRIES && count.events !== state.lastSeq - state.firstSeq + 1; tries++) {
      source.drain();
      count = source.count();
    }
    const { seconds, nanoseconds } = clock.boot();
    const { events, lost } = count;
    return line<HeartbeatEvent>({
      type: 'heartbeat',
      time: clock.format(clock.fromBoot(seconds, nanoseconds)),
      wall_clock: clock.format(clock.wall()),
      boot_clock: seconds * 1_000_000 + Math.floor(nanoseconds / 1000),
      kernel_count: events,
      kernel_lost: lost,
      last_seq: state.lastSeq,
    });
  };

  const drain = (): void => {
    const more = source.drain();
    pipe.pump();
    if (!more) return;
    if (pipe.isLagging) setTimeout(drain, LAGGING_INTERVAL_MS);
    else setImmediate(drain);
  };
  const settle = (): void => {
    state.recordPipe(pipe);
    source.settle();
    pipe.pump();
  };
  setInterval(drain, DRAIN_INTERVAL_MS);
  setInterval(settle, SETTLE_INTERVAL_MS);
  setInterval(() => {
    const beat = heartbeat();
    pipe.pump();
    pipe.heartbeat(beat);
  }, HEARTBEAT_SECONDS * 1000);

  const stop = (): void => {
    pipe.stopListening();
    settle();
    const deadline = Date.now() + FLUSH_MS;
    setInterval(() => {
      pipe.pump();
      if (pipe.flushed || Date.now() > deadline) process.exit(0);
    }, 10);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('SIGHUP', stop);
  say(`forwarding; uid ${privileges.uid}, ${privileges.threads} threads without capabilities`);
}

function line<E>(event: E): string {
  return `${JSON.stringify(event)}\n`;
}

/** The first number in the backlog. Every line there is an event with `seq` or a gap with `first`; neither name can stand unescaped in a value. */
function oldestHeld(backlog: Backlog): { oldest_held_seq?: number } {
  const oldest = backlog.oldestLine();
  if (oldest === undefined) return {};
  const event = JSON.parse(oldest.toString()) as { seq?: number; first?: number };
  const seq = event.seq ?? event.first;
  return seq === undefined ? {} : { oldest_held_seq: seq };
}
