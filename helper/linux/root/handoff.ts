import { readdirSync } from 'node:fs';
import { HelperError } from '../../errors.ts';
import type { Libc } from '../libc.ts';
import type { Handoff } from '../handoff.ts';
import type { Installation } from '../../installation.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * Replaces this process by a fresh image of the same helper, which gets only the descriptors in `handoff`. Only execve
 * ends the threads of this process, which still have their original privileges. Does not return.
 * @throws {HelperError} when execve fails
 */
export function handOff(libc: Libc, installation: Installation, handoff: Handoff): never {
  const { probe } = handoff;
  const kept = [
    0,
    1,
    2,
    probe.ring,
    probe.counters,
    probe.backlog,
    ...probe.links,
    ...Object.values(probe.programs),
    handoff.listener,
    ...handoff.locks,
    ...(handoff.notify === undefined ? [] : [handoff.notify]),
  ];
  // Every other descriptor is closed here, including those that a caller left open.
  for (const fd of readdirSync('/proc/self/fd')) libc.fcntl(Number(fd), F_SETFD, FD_CLOEXEC);
  for (const fd of kept) libc.fcntl(fd, F_SETFD, 0);
  const argv = [...installation.command, 'forward', JSON.stringify(handoff), null];
  // An empty environment: no variable of a caller reaches the second stage.
  libc.execve(installation.command[0], argv, [null]);
  const failure = libc.failure('execve');
  const advice =
    failure.code === 'EAGAIN'
      ? "The helper's user has as many processes as it may: raise its limit (ulimit -u), or give the helper a user of its own"
      : `Is ${installation.command[0]} readable by the helper's user?`;
  throw new HelperError('HELPER_HANDOFF', `cannot start the forwarding stage: ${failure.message}. ${advice}`);
}
