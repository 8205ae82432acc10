import { readdirSync } from 'node:fs';
import type { ProbeHandles } from './probe.ts';
import { HelperError } from '../../errors.ts';
import type { Libc } from '../libc.ts';
import type { Installation } from '../../installation.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** Everything that the forwarding stage gets from the privileged one: numbers and open descriptors. */
export interface Handoff {
  readonly probe: ProbeHandles;
  readonly listener: number;
  /** Kept open, so that no second helper serves the same socket or drains the same ring. */
  readonly locks: readonly number[];
  /** The user and group of the forwarding stage. */
  readonly uid: number;
  readonly gid: number;
  /** The group that may read the pipe. */
  readonly group: number;
  /** The version of Landlock in force. */
  readonly landlock: number;
  /** Connected to the service manager; missing when nobody wants reports. */
  readonly notify?: number | undefined;
}

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
  throw new HelperError(
    'HELPER_HANDOFF',
    `cannot start the forwarding stage: ${libc.failure('execve').message}. Is ${installation.command[0]} readable by the helper's user?`,
  );
}

/** Reads the state that `handOff` passed. It comes from ourselves, but anyone can type the command. */
export function parseHandoff(text: string | undefined): Handoff {
  try {
    return checkHandoff(JSON.parse(text ?? ''));
  } catch (cause) {
    throw new HelperError('HELPER_HANDOFF', '"forward" is the second half of "run"; only "run" can start it.', {
      cause,
    });
  }
}

function checkHandoff(value: Handoff): Handoff {
  const { probe } = value;
  const numbers = [
    probe.ring,
    probe.ringBytes,
    probe.counters,
    probe.cpus,
    probe.backlog,
    probe.backlogBytes,
    ...probe.links,
    ...Object.values(probe.programs),
    value.listener,
    ...value.locks,
    value.uid,
    value.gid,
    value.group,
    value.landlock,
    ...(value.notify === undefined ? [] : [value.notify]),
  ];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new TypeError('a number is missing');
  if (!/^[0-9a-f]{64}$/.test(probe.sha256)) throw new TypeError('no hash');
  return value;
}
