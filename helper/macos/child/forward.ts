import { Clock, microseconds, readBootEpoch } from '../../stream/clock.ts';
import { DtraceDecoder } from '../dtrace/dtrace-decoder.ts';
import { HelperError } from '../../errors.ts';
import { EsloggerDecoder } from '../eslogger/eslogger-decoder.ts';
import { readableOnce, Watch } from '../../unix/watch.ts';
import { helloMaker } from '../../stream/hello.ts';
import { startLoop } from '../../stream/loop.ts';
import { Backlog } from '../../pipe/backlog.ts';
import { PipeServer } from '../../pipe/server.ts';
import { UnixListener } from '../../unix/listener.ts';
import { rootOrGroup } from '../../unix/peer.ts';
import { say } from '../../say.ts';
import { HelperState } from '../../stream/state.ts';
import { EventStream } from '../../stream/stream.ts';
import { Canary, type CanaryProgram } from './canary.ts';
import { ChildSource } from './child-source.ts';
import { DESCRIPTORS, type ChildHandoff } from './handoff.ts';
import type { Decoder, Findings } from './decoder.ts';
import type { Host } from './host.ts';

/** By `--source`. */
const DECODERS = {
  dtrace: (findings: Findings): Decoder => new DtraceDecoder(findings),
  eslogger: (findings: Findings, env: readonly string[]): Decoder => new EsloggerDecoder(findings, env),
} as const;

/**
 * The forwarding process of a source that is a child: reads the child's output, and serves the pipe. It was started as
 * its user and cannot become another; it holds only the descriptors of DESCRIPTORS, and memory. Returns when the loop
 * is set up; the process ends with SIGTERM, or with the watching process.
 */
export function forwardChild(
  host: Host,
  handoff: ChildHandoff,
  canaryProgram: CanaryProgram,
  canaryTimes?: ConstructorParameters<typeof Canary>[1],
): void {
  requireUser(handoff.uid, handoff.gid);
  const { output, errors, again, life, listener } = DESCRIPTORS;
  for (const fd of Object.values(DESCRIPTORS)) host.setCloseOnExec(fd);
  for (const fd of [output, errors, again, life]) host.setNonBlocking(fd);

  // Memory of this process only: here nothing of it outlives the helper.
  const stateBytes = HelperState.bytesFor(0);
  const state = new HelperState(new ArrayBuffer(stateBytes), 0);
  state.begin(microseconds(host.clocks.boot()), readBootEpoch(host.clocks));
  const clock = new Clock(host.clocks, state.epoch);
  const backlog = new Backlog(Buffer.alloc(handoff.backlogBytes), state, () => state.commit());
  const stream = new EventStream(backlog, state, clock);
  const source = new ChildSource({
    description: {
      platform: host.platform,
      source: handoff.source,
      boot_id: host.bootId(),
      probe_sha256: handoff.sha256,
      programs: [handoff.source === 'dtrace' ? 'exec.d' : 'exec'],
      ...(handoff.env.length === 0 ? {} : { env: [...handoff.env] }),
      ns: {},
    },
    limits: handoff.limits,
    decoder: (findings) => DECODERS[handoff.source](findings, handoff.env),
    pipes: { output, errors, again },
    whenReadable: readableOnce(host.koffi, output),
    canary: new Canary(canaryProgram, canaryTimes),
    stream,
    state,
  });
  source.begin();

  const privileges = {
    uid: handoff.uid,
    gid: handoff.gid,
    threads: 1,
    capabilities: '0',
    no_new_privs: false,
    seccomp: 0,
    landlock: 0,
  };
  const pipe = new PipeServer(
    new UnixListener(host.koffi, host.sockets, listener, rootOrGroup(handoff.group)),
    backlog,
    helloMaker({ source, backlog, state, clock }, privileges),
  );
  const stop = startLoop({ source, pipe, state, clock, stream });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('SIGHUP', stop);
  // Nothing is ever written there: it becomes readable when the watching process ends, however it ends.
  const watch = new Watch(host.koffi, life, { readable: true, disconnect: true }, () => {
    watch.close();
    say('the watching process has ended; ending too');
    stop();
  });
  say(`forwarding; uid ${handoff.uid}, without root`);
}

/**
 * Checks that the process has this user permanently.
 * @throws {HelperError} HELPER_PRIVILEGE
 */
function requireUser(uid: number, gid: number): void {
  const is = [process.getuid?.(), process.geteuid?.(), process.getgid?.(), process.getegid?.()];
  const groups = process.getgroups?.() ?? [];
  if (uid === 0 || is.join() !== [uid, uid, gid, gid].join() || groups.some((group) => group !== gid)) {
    throw new HelperError(
      'HELPER_PRIVILEGE',
      `the forwarding process is uid ${is.slice(0, 2).join('/')}, gid ${is.slice(2).join('/')}, groups ${groups.join()}, but should have only ${uid} and ${gid}. The helper stops.`,
    );
  }
  try {
    process.seteuid?.(0);
  } catch {
    return;
  }
  throw new HelperError('HELPER_PRIVILEGE', 'the process could become root again. The helper stops.');
}
