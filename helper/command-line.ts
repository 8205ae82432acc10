import { parseArgs, type ParseArgsConfig } from 'node:util';
import { EXIT_CODES, EXIT_MEANINGS, HelperError, type ErrorCode } from './errors.ts';
import {
  DEFAULT_BACKLOG_BYTES,
  DEFAULT_RING_BYTES,
  MAX_BACKLOG_BYTES,
  MAX_RING_BYTES,
  MIN_BACKLOG_BYTES,
  MIN_RING_BYTES,
} from './limits.ts';
import { systemOf, type System } from './systems.ts';

export interface RunOptions {
  readonly socket: string;
  readonly group: string;
  readonly user: string;
  readonly ringBytes: number;
  readonly backlogBytes: number;
  readonly pin: boolean;
  readonly exits: boolean;
  readonly failures: boolean;
  /** The source of events; one of the system's sources. */
  readonly source: string;
  /** Windows: whether the service manager started this process and expects reports. */
  readonly service: boolean;
  /** Linux: the socket to which the service manager wants reports, as in NOTIFY_SOCKET of sd_notify(3). */
  readonly notify: string | undefined;
}

export interface AuditOptions {
  readonly socket: string;
  readonly json: boolean;
  readonly manifest: string | undefined;
}

/**
 * @param platform the system whose flags are accepted
 * @throws {HelperError} HELPER_USAGE, naming the flag
 */
export function parseRun(args: string[], platform: NodeJS.Platform = process.platform): RunOptions {
  const system = systemOf(platform);
  const values = parseFlags(args, {
    socket: { type: 'string' },
    group: { type: 'string' },
    user: { type: 'string' },
    ring: { type: 'string' },
    backlog: { type: 'string' },
    pin: { type: 'boolean' },
    exits: { type: 'boolean' },
    failures: { type: 'boolean' },
    notify: { type: 'string' },
    service: { type: 'boolean' },
    source: { type: 'string' },
  });
  for (const flag of ['user', 'pin', 'exits', 'failures', 'notify', 'service'] as const) {
    if (values[flag] !== undefined && !system.flags.has(flag))
      throw new HelperError('HELPER_UNSUPPORTED', `--${flag}: not available on this system`);
  }
  const text = (name: 'socket' | 'group' | 'user'): string => (values[name] as string | undefined) ?? system[name];
  return {
    socket: text('socket'),
    group: text('group'),
    user: text('user'),
    ringBytes: ringBytes(values['ring'] as string | undefined),
    backlogBytes: backlogBytes(values['backlog'] as string | undefined),
    pin: values['pin'] === true,
    exits: values['exits'] === true,
    failures: values['failures'] === true,
    service: values['service'] === true,
    notify: notifySocket(values['notify'] as string | undefined),
    source: sourceOf(values['source'] as string | undefined, system),
  };
}

/** An empty value, as a service without `Type=notify` gives it, is none. */
function notifySocket(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^[/@]./.test(text)) return text;
  throw new HelperError('HELPER_USAGE', `--notify: expected a path, or @ and a name, got "${text}"`);
}

function sourceOf(source: string | undefined, { sources }: System): string {
  if (source === undefined) return sources[0];
  if (sources.includes(source)) return source;
  const known = sources.map((name) => `"${name}"`).join(', ');
  throw new HelperError('HELPER_UNSUPPORTED', `--source: this system has ${known}, not "${source}"`);
}

/**
 * @param platform the system whose default socket applies
 * @throws {HelperError} HELPER_USAGE, naming the flag
 */
export function parseAudit(args: string[], platform: NodeJS.Platform = process.platform): AuditOptions {
  const values = parseFlags(args, {
    socket: { type: 'string' },
    json: { type: 'boolean' },
    manifest: { type: 'string' },
  });
  return {
    socket: (values['socket'] as string | undefined) ?? systemOf(platform).socket,
    json: values['json'] === true,
    manifest: values['manifest'] as string | undefined,
  };
}

function parseFlags(
  args: string[],
  options: NonNullable<ParseArgsConfig['options']>,
): Partial<Record<string, string | boolean>> {
  try {
    return parseArgs({ args, options, allowNegative: true }).values as Partial<Record<string, string | boolean>>;
  } catch (cause) {
    throw new HelperError('HELPER_USAGE', `${(cause as Error).message.split('\n')[0]}. See probes-helper --help.`, {
      cause,
    });
  }
}

/** Parses a power of two, which the kernel requires for a ring. */
function ringBytes(text: string | undefined): number {
  const bytes = parseBytes('--ring', text, DEFAULT_RING_BYTES, MIN_RING_BYTES, MAX_RING_BYTES);
  if (Number.isInteger(Math.log2(bytes))) return bytes;
  throw new HelperError(
    'HELPER_USAGE',
    `--ring: expected a power of two, got ${bytes}; the next is ${2 ** Math.ceil(Math.log2(bytes))}`,
  );
}

/** Parses a size and requires whole pages. */
function backlogBytes(text: string | undefined): number {
  const bytes = parseBytes('--backlog', text, DEFAULT_BACKLOG_BYTES, MIN_BACKLOG_BYTES, MAX_BACKLOG_BYTES);
  return Math.ceil(bytes / 65536) * 65536;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, 'KiB': 1024, 'MiB': 1024 ** 2, 'GiB': 1024 ** 3 };

function parseBytes(flag: string, text: string | undefined, fallback: number, least: number, most: number): number {
  if (text === undefined) return fallback;
  const match = /^(\d{1,12})(KiB|MiB|GiB|)$/.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] as string] as number);
  if (bytes >= least && bytes <= most) return bytes;
  throw new HelperError(
    'HELPER_USAGE',
    `${flag}: expected bytes from ${least} to ${most}, such as 8MiB, got "${text}"`,
  );
}

/** @param platform the system whose flags are listed */
export function helpText(platform: NodeJS.Platform = process.platform): string {
  const system = systemOf(platform);
  const codes = (Object.keys(EXIT_CODES) as ErrorCode[]).map(
    (code) => `  ${String(EXIT_CODES[code]).padStart(3)}  ${EXIT_MEANINGS[code]} (${code})`,
  );
  const own = OWN_FLAGS.filter(({ flag }) => system.flags.has(flag)).map(({ text }) => text(system));
  return `probes-helper: owns the tracing session and forwards its events, with no privilege left

usage:
  probes-helper run [flags]     trace and forward events until ${platform === 'win32' ? 'stopped' : 'SIGTERM'}
  probes-helper audit [flags]   compare the running helper with the release; 1 on findings
  probes-helper --version
  probes-helper --help

flags of run:
  --socket PATH       where clients connect (${system.socket})
  --group ${GROUP_FORM[platform] ?? 'NAME|GID'}    who may connect, besides ${platform === 'win32' ? 'SYSTEM and administrators' : 'root'} (${system.group})
  --ring BYTES        kernel buffer, a power of two (${DEFAULT_RING_BYTES / 1024 ** 2}MiB)
  --backlog BYTES     newest events kept for clients that come back (${DEFAULT_BACKLOG_BYTES / 1024 ** 2}MiB)
${own.join('')}  --source NAME       where events come from (${system.sources.join(', ')})

flags of audit:
  --json              print JSON, for programs
  --manifest FILE     compare the files with this manifest of the release
  --socket PATH       socket of the helper to examine (${system.socket})

Sizes take KiB, MiB, GiB. There is no configuration file and no environment variable.

exit codes:
    0  ended by SIGTERM or SIGINT; clients got all events that they took in time
    1  audit has findings, or an error without its own code
${codes.join('\n')}
`;
}

const GROUP_FORM: Readonly<Partial<Record<NodeJS.Platform, string>>> = { win32: 'NAME|SID' };

const OWN_FLAGS = [
  {
    flag: 'user',
    text: ({ user }: System) => `  --user NAME|UID     user that the helper becomes after start-up (${user})\n`,
  },
  {
    flag: 'pin',
    text: () => `  --pin               keep the probe in the kernel while no helper runs, so that a restart misses
                      nothing; --no-pin (the default) removes what an earlier --pin left\n`,
  },
  { flag: 'exits', text: () => '  --exits             also report how and when each program ended\n' },
  {
    flag: 'failures',
    text: () =>
      '  --failures          also report execs that failed; slows every system call of the machine a little\n',
  },
  {
    flag: 'notify',
    text: () => `  --notify SOCKET     report start, progress and stop to this socket of systemd (its NOTIFY_SOCKET);
                      empty for none; if nobody listens there, the helper says so and goes on
`,
  },
  {
    flag: 'service',
    text: () => '  --service           run as a service: report start and stop to the service manager\n',
  },
] as const;
