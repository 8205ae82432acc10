import {
  DEFAULT_BACKLOG_BYTES,
  DEFAULT_RING_BYTES,
  MAX_BACKLOG_BYTES,
  MAX_ENV_NAMES,
  MAX_RING_BYTES,
  MIN_BACKLOG_BYTES,
  MIN_RING_BYTES,
} from './limits.ts';
import { systemOf, type OwnFlag } from './systems.ts';

/** A flag of a command. The parser, `--help`, the manual page and the completions take flags from the same tables. */
export interface Flag {
  readonly name: string;
  /** The form of its value, such as PATH. A switch has none. */
  readonly value?: string;
  /** Its meaning. A line break stands where `--help` breaks the line. */
  readonly text: string;
  /** Whether this system has the flag. */
  readonly available: boolean;
  /** The values that it takes, if there are few. */
  readonly choices?: readonly string[];
}

/** The commands, for people; `forward` is none of them. */
export const COMMANDS = [
  { name: 'run', flags: runFlags, text: 'trace and forward events until stopped' },
  { name: 'audit', flags: auditFlags, text: 'compare the running helper with the release; 1 on findings' },
  { name: '--version', flags: undefined, text: 'print the version' },
  { name: '--help', flags: undefined, text: 'print this help' },
] as const;

/** The flags of `run`, those of other systems too. */
export function runFlags(platform: NodeJS.Platform): Flag[] {
  const system = systemOf(platform);
  const windows = platform === 'win32';
  const always = (name: string, value: string, text: string): Flag => ({ name, value, text, available: true });
  const own = (name: OwnFlag, text: string): Flag => ({ name, text, available: system.flags.has(name) });
  return [
    always('socket', 'PATH', `where clients connect (${system.socket})`),
    always(
      'group',
      windows ? 'NAME|SID' : 'NAME|GID',
      `who may connect, besides ${windows ? 'SYSTEM and administrators' : 'root'} (${system.group})`,
    ),
    always(
      'ring',
      'BYTES',
      `kernel buffer, a power of two, ${size(MIN_RING_BYTES)} to ${size(MAX_RING_BYTES)} (${size(DEFAULT_RING_BYTES)})`,
    ),
    always(
      'backlog',
      'BYTES',
      `newest events kept for clients that come back, ${size(MIN_BACKLOG_BYTES)} to ${size(MAX_BACKLOG_BYTES)} (${size(DEFAULT_BACKLOG_BYTES)})`,
    ),
    { ...own('user', `user that the helper becomes after start-up (${system.user})`), value: 'NAME|UID' },
    own(
      'pin',
      `keep the probe in the kernel while no helper runs, so that a restart misses
nothing; --no-pin (the default) removes what an earlier --pin left`,
    ),
    own('exits', 'also report how and when each program ended'),
    own('forks', 'also report each new process; with --exits then the end of every process'),
    {
      ...own(
        'env',
        `variables of the environment that events of programs tell, NAME,NAME…, at most ${MAX_ENV_NAMES}, and no others`,
      ),
      value: 'NAMES',
    },
    own('failures', 'also report execs that failed; slows every system call of the machine a little'),
    {
      ...own(
        'notify',
        `report start, progress and stop to this socket of systemd (its NOTIFY_SOCKET);
empty for none; if nobody listens there, the helper says so and goes on`,
      ),
      value: 'SOCKET',
    },
    own('service', 'run as a service: report start and stop to the service manager'),
    {
      ...always('source', 'NAME', `where events come from (${system.sources.join(', ')})`),
      choices: system.sources,
    },
  ];
}

/** The flags of `audit`. */
export function auditFlags(platform: NodeJS.Platform): Flag[] {
  return [
    { name: 'json', text: 'print JSON, for programs', available: true },
    { name: 'manifest', value: 'FILE', text: 'compare the files with this manifest of the release', available: true },
    {
      name: 'socket',
      value: 'PATH',
      text: `socket of the helper to examine (${systemOf(platform).socket})`,
      available: true,
    },
  ];
}

function size(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const)
    if (bytes % factor === 0) return `${bytes / factor}${unit}`;
  return String(bytes);
}
