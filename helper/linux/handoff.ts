import { HelperError } from '../errors.ts';
import type { ProbeHandles } from './root/probe.ts';

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
    ...(probe.baseline === undefined ? [] : [probe.baseline.skipped, probe.baseline.recovered]),
    ...(value.notify === undefined ? [] : [value.notify]),
  ];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new TypeError('a number is missing');
  if (!Array.isArray(probe.env) || !probe.env.every((name) => typeof name === 'string'))
    throw new TypeError('no list of variables');
  if (!/^[0-9a-f]{64}$/.test(probe.sha256)) throw new TypeError('no hash');
  return value;
}
