import type { RunOptions } from '../command-line.ts';
import { Clock, microseconds, readBootEpoch } from '../stream/clock.ts';
import { EtwSource } from './etw/etw-source.ts';
import { bindEtw, ETW_LIBRARY } from './etw/functions.ts';
import { ProcessLines } from './etw/process-line.ts';
import { RecordRing } from './etw/record-ring.ts';
import { EtwSession } from './etw/session.ts';
import { TraceThread, type FromWorker } from './etw/trace-thread.ts';
import { HelperError } from '../errors.ts';
import type { SourceDescription } from '../stream/event-source.ts';
import { loadKoffi } from '../koffi.ts';
import { bindWindows } from './functions.ts';
import { helloMaker } from '../stream/hello.ts';
import { startLoop } from '../stream/loop.ts';
import { Backlog } from '../pipe/backlog.ts';
import { PipeServer } from '../pipe/server.ts';
import { PipeListener } from './pipe/listener.ts';
import { say } from '../say.ts';
import { HelperState } from '../stream/state.ts';
import { EventStream } from '../stream/stream.ts';
import { findSid } from './accounts.ts';
import { processAsker } from './ask-process.ts';
import { readBootId } from './boot-id.ts';
import { windowsClocks } from './clocks.ts';
import { DevicePaths } from './device-paths.ts';
import { driveLookup, systemRoot } from './drives.ts';
import { locateWindowsInstallation } from './installation.ts';
import { TRACE_START_MS } from './limits.ts';
import { removePrivileges } from './token.ts';
import { requireTrustedFile } from './trusted-files.ts';

/** Settings that only tests may change. No command line or file can change them. */
export interface WindowsSetting {
  /** The library with the functions of event tracing. */
  readonly etwLibrary: string;
  /** SIDs that may write to the helper's files, in addition to SYSTEM and the administrators. */
  readonly trustedWriters: readonly string[];
}

export const PRODUCT_SETTING: WindowsSetting = { etwLibrary: ETW_LIBRARY, trustedWriters: [] };

/**
 * The helper from top to bottom: opens the pipe and the session, gives up the privileges that it does not need, and
 * forwards. Returns when forwarding has begun.
 * @param onEnd called when everything is sent after a stop
 * @returns how to stop it
 * @throws {HelperError}
 */
export async function forwardEvents(
  options: RunOptions,
  setting: WindowsSetting,
  onEnd: () => void,
): Promise<() => void> {
  const installation = locateWindowsInstallation();
  const koffi = loadKoffi(installation.addon);
  const windows = bindWindows(koffi);

  // 1. Check that others cannot change the files that decide what runs here.
  for (const file of installation.files) requireTrustedFile(windows, file, setting.trustedWriters);

  // 2. The pipe before the session: if another helper runs, its session stays untouched.
  const group = findSid(windows, options.group);
  const listener = new PipeListener(windows, options.socket, group);

  // 3. The session, and the thread that reads it.
  const memory = RecordRing.allocate(options.ringBytes);
  const session = new EtwSession(koffi, bindEtw(koffi, setting.etwLibrary));
  session.start();
  // However this process ends: otherwise the session would outlive it, and the thread that reads it would delay the end.
  process.on('exit', () => session.stop());
  const reader: { source?: EtwSource } = {};
  const opened = Promise.withResolvers<FromWorker>();
  const thread = new TraceThread({ addon: installation.addon, library: setting.etwLibrary, memory }, (message) => {
    opened.resolve(message);
    reader.source?.notice(message);
  });
  thread.open();
  await traceOpened(opened.promise);

  // 4. From here on only restarting the session needs a privilege.
  const privileges = removePrivileges(windows);

  const clocks = windowsClocks(windows);
  const state = new HelperState(new ArrayBuffer(HelperState.bytesFor(0)), 0);
  state.begin(microseconds(clocks.boot()), readBootEpoch(clocks));
  const clock = new Clock(clocks, state.epoch);
  const backlog = new Backlog(Buffer.allocUnsafeSlow(options.backlogBytes), state, () => state.commit());
  const stream = new EventStream(backlog, state, clock);
  const description: SourceDescription = {
    platform: 'win32',
    source: 'etw',
    boot_id: readBootId(koffi, clocks),
    programs: ['Microsoft-Windows-Kernel-Process', ...(session.hasClassic ? ['Process'] : [])],
  };
  const paths = new DevicePaths(driveLookup(windows), systemRoot(windows));
  const etw = new EtwSource({
    session,
    openTrace: () => thread.open(),
    ring: new RecordRing(memory),
    state,
    stream,
    lines: new ProcessLines(clock, paths, processAsker(windows)),
    description,
  });
  reader.source = etw;
  if (!session.hasClassic)
    say(
      'Windows has no room for another system logger: asking processes for their command lines, which misses those of short-lived ones',
    );

  const pipe = new PipeServer(listener, backlog, helloMaker({ source: etw, backlog, state, clock }, privileges));
  const stop = startLoop({ source: etw, pipe, state, clock, stream }, onEnd);
  say(`forwarding; ${privileges.user_sid}, privileges left: ${privileges.token_privileges?.join(', ') ?? 'unknown'}`);
  return stop;
}

async function traceOpened(first: Promise<FromWorker>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<FromWorker>((resolve) => {
    timer = setTimeout(resolve, TRACE_START_MS, { type: 'ended', call: 'OpenTrace (not answered in time)', status: 0 });
  });
  const message = await Promise.race([first, late]);
  clearTimeout(timer);
  if (message.type === 'opened') return;
  throw new HelperError(
    'HELPER_PROBE_REFUSED',
    `${message.call} failed with Windows error ${message.status}. "net helpmsg ${message.status}" explains it.`,
  );
}
