import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readSync } from 'node:fs';
import { Watch } from '../../unix/watch.ts';
import { CHILD_GRACE_MS, FLUSH_MS } from '../../limits.ts';
import { say } from '../../say.ts';
import type { ChildHandoff } from './handoff.ts';
import type { Host } from './host.ts';
import { Keeper, type KeptProgram } from './keeper.ts';

interface Charge {
  /** The tracing program. */
  readonly program: KeptProgram;
  /** The command that starts this same helper again: program, then its leading arguments. */
  readonly command: readonly [string, ...string[]];
  /** A listening socket, handed over to the forwarding process. */
  readonly listener: number;
  readonly handoff: ChildHandoff;
}

/**
 * The remaining part of the privileged stage where a child has to trace as root. Starts the forwarding process, which
 * has no privilege and reads the child's output, and keeps the child running. Learns two things from the forwarding
 * process: that it ended, and that bytes came that request another child; it does not look at them. Returns at once;
 * the process ends with SIGTERM, or when the forwarding process does.
 */
export function watchOver(host: Host, { program, command, listener, handoff }: Charge): void {
  const [outputRead, output] = host.pipe();
  const [errorsRead, errors] = host.pipe();
  const [again, againWrite] = host.pipe();
  const [lifeRead] = host.pipe();
  const [executable, ...leading] = command;
  const forwarder = spawn(executable, [...leading, 'forward', JSON.stringify(handoff)], {
    // In the order of DESCRIPTORS.
    stdio: ['ignore', 'ignore', 'inherit', listener, outputRead, errorsRead, againWrite, lifeRead],
    uid: handoff.uid,
    gid: handoff.gid,
    env: {},
    cwd: '/',
  });
  // From here on only the forwarding process has these: without it, writing to the child's output fails.
  for (const fd of [listener, outputRead, errorsRead, againWrite, lifeRead]) closeSync(fd);

  const keeper = new Keeper(program, output, errors, say);
  keeper.start();
  host.setNonBlocking(again);
  const asked = new Watch(host.koffi, again, { readable: true }, () => {
    if (isAsked(again)) keeper.again();
    else asked.close();
  });

  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    // The child first, so that its remaining output is forwarded.
    await keeper.stop();
    if (forwarder.exitCode === null && forwarder.signalCode === null && forwarder.pid !== undefined) {
      const gone = once(forwarder, 'exit');
      forwarder.kill('SIGTERM');
      setTimeout(() => forwarder.kill('SIGKILL'), FLUSH_MS + CHILD_GRACE_MS);
      await gone;
    }
    process.exit(exitCode);
  };
  forwarder.once('exit', (code) => void stop(code === null || code === 0 ? 1 : code));
  forwarder.once('error', (error) => {
    say(`the forwarding process cannot be started: ${error.message}`);
    void stop(1);
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => void stop(0));
}

/** Discards the bytes of requests. @returns false at the end, when no more requests can come */
function isAsked(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(64)) > 0;
  } catch {
    return true;
  }
}
