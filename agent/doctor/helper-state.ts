import type { HeartbeatEvent } from '../../shared/events/heartbeat.ts';
import type { HelloEvent, PrivilegeState } from '../../shared/events/hello.ts';
import { VERSION } from '../../shared/version.ts';
import type { AgentStatus } from '../client/status.ts';
import { formatSeconds } from '../view/quantities.ts';
import { findingsOf, type Finding } from './finding.ts';

/** Heartbeats that may be late; then the helper is not well. */
const LATE_SHARE = 3;

/** The wall clock may be so far from that of events, in milliseconds; the helper follows a step within a second. */
const CLOCK_MS = 1000;

type Introduction = Pick<HelloEvent, 'helper' | 'source' | 'probe_sha256' | 'limits'> & {
  readonly privileges: PrivilegeState;
};

/** The helper's own report of itself. */
export function checkHello({ helper, source, probe_sha256: sha256, privileges, limits }: Introduction): Finding[] {
  const { ok, warning, problem } = findingsOf('hello');
  const probe = sha256 === undefined ? '' : `, probe ${sha256.slice(0, 16)}…`;
  const held = heldBy(privileges);
  return [
    helper === VERSION
      ? ok(`helper ${helper}, source ${source}${probe}`)
      : warning(
          `helper ${helper}, source ${source}${probe}; this program is ${VERSION}`,
          'install the same version of both, and restart them',
        ),
    held.length === 0
      ? ok('the helper holds no privilege')
      : problem(`the helper still holds privileges: ${held.join(', ')}`, 'run probes-helper audit as root'),
    ...(limits ?? []).map((limit) => warning(`the helper says: ${limit}`)),
  ];
}

/** Only what a system has is said of it. macOS's tracers need root; there the forwarding process has none. */
function heldBy({ uid, capabilities, no_new_privs: none, seccomp }: PrivilegeState): string[] {
  return [
    ...(uid === 0 ? ['uid 0'] : []),
    ...(capabilities === undefined || /^0+$/u.test(capabilities) ? [] : [`capabilities ${capabilities}`]),
    ...(none === false ? ['it may gain new ones'] : []),
    ...(seccomp === 0 ? ['no system call filter'] : []),
  ];
}

/** Of a stream of one's own. @param waitedMs how long a heartbeat was waited for */
export function checkHeartbeat(beat: HeartbeatEvent | undefined, waitedMs: number): Finding[] {
  const { ok, problem } = findingsOf('heartbeat');
  if (beat === undefined)
    return [
      problem(
        `none came within ${formatSeconds(waitedMs / 1000)}`,
        'the helper hangs: restart it, and look at its log',
      ),
    ];
  const difference = Math.abs(Date.parse(beat.time) - Date.parse(beat.wall_clock));
  const clock = findingsOf('clock');
  return [
    ok(`comes; the kernel counted ${beat.kernel_count} events and had no room for ${beat.kernel_lost}`),
    difference < CLOCK_MS
      ? clock.ok('times of events follow the wall clock')
      : clock.warning(
          `times of events are ${formatSeconds(difference / 1000)} away from the wall clock`,
          'the clock was stepped a moment ago; look again, then restart the helper',
        ),
  ];
}

/** The same, as a running agent knows it. */
export function checkHeard({ helper, received }: AgentStatus, heartbeatSeconds = 5): Finding[] {
  const { ok, problem } = findingsOf('heartbeat');
  const clock = findingsOf('clock');
  const steps = received['clock'] ?? 0;
  const ago = helper.last_line_seconds;
  const beats =
    helper.silent || ago === undefined || ago > heartbeatSeconds * LATE_SHARE
      ? problem('the agent hears nothing from the helper', 'restart the helper, and look at its log')
      : ok(`the agent heard from the helper ${formatSeconds(ago)} ago`);
  return [
    beats,
    steps === 0
      ? clock.ok('the wall clock was not stepped since the agent started')
      : clock.warning(
          `the wall clock was stepped ${steps} ${steps === 1 ? 'time' : 'times'} since the agent started`,
          'order by seq, not by time; let one service alone set the clock',
        ),
  ];
}
