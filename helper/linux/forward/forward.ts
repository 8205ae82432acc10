import { readFileSync } from 'node:fs';
import { releaseMappings, unchangedMappings } from '../../../shared/linux/program-pages.ts';
import { Clock, microseconds, readBootEpoch } from '../../stream/clock.ts';
import { KernelCounters } from '../source/counters.ts';
import { EbpfSource } from '../source/ebpf-source.ts';
import type { EventSource } from '../../stream/event-source.ts';
import { loadKoffi } from '../../koffi.ts';
import { bindLibc } from '../libc.ts';
import { readableOnce } from '../../unix/watch.ts';
import { helloMaker } from '../../stream/hello.ts';
import { locateInstallation } from '../../installation.ts';
import { STARTED_MS } from '../../limits.ts';
import { startLoop } from '../../stream/loop.ts';
import { Backlog } from '../../pipe/backlog.ts';
import { PipeServer } from '../../pipe/server.ts';
import { UnixListener } from '../../unix/listener.ts';
import { rootOrGroup } from '../../unix/peer.ts';
import { restrictResources } from './resources.ts';
import { namedDescriptors, restrictSystemCalls, restrictToStarting } from './seccomp.ts';
import { requireNoPrivileges, ThreadPrivileges } from '../threads.ts';
import { say } from '../../say.ts';
import { HelperState } from '../../stream/state.ts';
import { EventStream } from '../../stream/stream.ts';
import { linuxClocks } from './clocks.ts';
import { managerReports } from './manager.ts';
import type { Handoff } from '../handoff.ts';
import { linuxSockets } from '../sockets.ts';

/**
 * The forwarding stage: no privilege, a few inherited descriptors, and a loop that moves events from the source into
 * the backlog and from there to the clients. Returns when the loop is set up; SIGTERM or SIGINT ends the process.
 */
export function forward(handoff: Handoff): void {
  const threads = new ThreadPrivileges();
  requireNoPrivileges(threads.read(), handoff.uid, handoff.gid);

  const koffi = loadKoffi(locateInstallation('linux').addon);
  const libc = bindLibc(koffi);
  const { probe } = handoff;
  const counters = new KernelCounters(libc, probe.counters, probe.cpus);

  const memory = libc.map(probe.backlog, probe.backlogBytes, 0, true);
  const stateBytes = Math.ceil(HelperState.bytesFor(counters.size) / 4096) * 4096;
  const clocks = linuxClocks(libc);
  const state = new HelperState(memory, counters.size);
  if (!state.restored) {
    // Microseconds since boot: larger than any number that an earlier helper of this boot can have used.
    state.begin(microseconds(clocks.boot()), readBootEpoch(clocks));
  }
  const clock = new Clock(clocks, state.epoch);
  const backlog = new Backlog(Buffer.from(memory, stateBytes), state, () => state.commit());
  const stream = new EventStream(backlog, state, clock);
  const source: EventSource = new EbpfSource(
    libc,
    probe,
    counters,
    state,
    stream,
    clock,
    readableOnce(koffi, probe.ring),
  );

  // Before the filters: without a handler the runtime ends by sending itself the signal, which they forbid.
  let stop = (): void => {};
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop());

  const mappings = unchangedMappings(readFileSync('/proc/self/smaps', 'latin1'), process.execPath);
  const named = namedDescriptors();
  restrictResources(libc, named.highest);

  // From here on it reads data chosen by others. It can still open some files to read.
  restrictToStarting(libc, named);
  // Records that a predecessor left in the ring get the time that holds now, too.
  stream.followClock();
  source.begin();

  // Everything is open now. From here on the process can do little except forward.
  restrictSystemCalls(libc, named);
  const privileges = { ...threads.read(), landlock: handoff.landlock };
  threads.close();

  const hello = helloMaker({ source, backlog, state, clock }, privileges);
  const listener = new UnixListener(koffi, linuxSockets(libc), handoff.listener, rootOrGroup(handoff.group));
  const pipe = new PipeServer(listener, backlog, hello);
  const reports = handoff.notify === undefined ? undefined : managerReports(libc, handoff.notify);
  stop = startLoop({ source, pipe, state, clock, stream, reports });
  setTimeout(() => releaseMappings(libc, mappings), STARTED_MS);
  say(`forwarding; uid ${privileges.uid}, ${privileges.threads} threads without capabilities`);
}
