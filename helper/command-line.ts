import { parseArgs, type ParseArgsConfig } from 'node:util';
import { EXIT_CODES, EXIT_MEANINGS, HelperError, type ErrorCode } from './errors.ts';
import {
  DEFAULT_BACKLOG_BYTES, DEFAULT_RING_BYTES, MAX_BACKLOG_BYTES, MAX_RING_BYTES, MIN_BACKLOG_BYTES, MIN_RING_BYTES,
} from './limits.ts';

export interface RunOptions {
  readonly socket: string;
  readonly group: string;
  readonly user: string;
  readonly ringBytes: number;
  readonly backlogBytes: number;
  readonly pin: boolean;
  readonly exits: boolean;
  readonly failures: boolean;
}

export interface AuditOptions {
  readonly socket: string;
  readonly json: boolean;
  readonly manifest: string | undefined;
}

const DEFAULTS = { socket: '/run/platform-probes/events.sock', group: 'probes', user: 'probes-helper' } as const;

/** @throws {HelperError} HELPER_USAGE, naming the flag */
export function parseRun(args: string[]): RunOptions {
  const values = parseFlags(args, {
    socket: { type: 'string' },
    group: { type: 'string' },
    user: { type: 'string' },
    ring: { type: 'string' },
    backlog: { type: 'string' },
    pin: { type: 'boolean' },
    exits: { type: 'boolean' },
    failures: { type: 'boolean' },
    source: { type: 'string' },
  });
  const { source } = values;
  if (source !== undefined && source !== 'ebpf') throw new HelperError('HELPER_UNSUPPORTED', `--source: this system has "ebpf", not "${source}"`);
  const text = (name: keyof typeof DEFAULTS): string => (values[name] as string | undefined) ?? DEFAULTS[name];
  return {
    socket: text('socket'),
    group: text('group'),
    user: text('user'),
    ringBytes: ringBytes(values['ring'] as string | undefined),
    backlogBytes: backlogBytes(values['backlog'] as string | undefined),
    pin: values['pin'] === true,
    exits: values['exits'] === true,
    failures: values['failures'] === true,
  };
}

/** @throws {HelperError} HELPER_USAGE, naming the flag */
export function parseAudit(args: string[]): AuditOptions {
  const values = parseFlags(args, { socket: { type: 'string' }, json: { type: 'boolean' }, manifest: { type: 'string' } });
  return {
    socket: (values['socket'] as string | undefined) ?? DEFAULTS.socket,
    json: values['json'] === true,
    manifest: values['manifest'] as string | undefined,
  };
}

function parseFlags(args: string[], options: NonNullable<ParseArgsConfig['options']>): Partial<Record<string, string | boolean>> {
  try {
    return parseArgs({ args, options, allowNegative: true }).values as Partial<Record<string, string | boolean>>;
  } catch (cause) {
    throw new HelperError('HELPER_USAGE', `${(cause as Error).message.split('\n')[0]}. See probes-helper --help.`, { cause });
  }
}

/** A power of two, as the kernel demands of a ring. */
function ringBytes(text: string | undefined): number {
  const bytes = parseBytes('--ring', text, DEFAULT_RING_BYTES, MIN_RING_BYTES, MAX_RING_BYTES);
  if (Number.isInteger(Math.log2(bytes))) return bytes;
  throw new HelperError('HELPER_USAGE', `--ring: expected a power of two, got ${bytes}; the next is ${2 ** Math.ceil(Math.log2(bytes))}`);
}

/** Whole pages. */
function backlogBytes(text: string | undefined): number {
  const bytes = parseBytes('--backlog', text, DEFAULT_BACKLOG_BYTES, MIN_BACKLOG_BYTES, MAX_BACKLOG_BYTES);
  return Math.ceil(bytes / 65536) * 65536;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

function parseBytes(flag: string, text: string | undefined, fallback: number, least: number, most: number): number {
  if (text === undefined) return fallback;
  const match = /^(\d{1,12})(KiB|MiB|GiB|)$/.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] as string] as number);
  if (bytes >= least && bytes <= most) return bytes;
  throw new HelperError('HELPER_USAGE', `${flag}: expected bytes from ${least} to ${most}, such as 8MiB, got "${text}"`);
}

export function helpText(): string {
  const codes = (Object.keys(EXIT_CODES) as ErrorCode[]).map((code) => `  ${String(EXIT_CODES[code]).padStart(3)}  ${EXIT_MEANINGS[code]} (${code})`);
  return `probes-helper: owns the tracing session and forwards its events, with no privilege left

usage:
  probes-helper run [flags]     trace and forward until SIGTERM
  probes-helper audit [flags]   compare what runs with what was shipped; 1 when something is off
  probes-helper --version
  probes-helper --help

flags of run:
  --socket PATH       where clients connect (${DEFAULTS.socket})
  --group NAME|GID    who may connect, besides root (${DEFAULTS.group})
  --user NAME|UID     who the helper becomes after start-up (${DEFAULTS.user})
  --ring BYTES        kernel buffer, a power of two (${DEFAULT_RING_BYTES / 1024 ** 2}MiB)
  --backlog BYTES     newest events kept for clients that come back (${DEFAULT_BACKLOG_BYTES / 1024 ** 2}MiB)
  --pin               keep the probe in the kernel while no helper runs, so that a restart misses
                      nothing; --no-pin (the default) takes away what an earlier --pin left
  --exits             also report how and when each program ended
  --failures          also report execs that failed; slows every system call of the machine a little
  --source NAME       where events come from (ebpf)

flags of audit:
  --json              for programs
  --manifest FILE     the manifest of the release, to compare files with
  --socket PATH       of the helper to look at (${DEFAULTS.socket})

Sizes take KiB, MiB, GiB. There is no configuration file and no environment variable.

exit codes:
    0  ended by SIGTERM or SIGINT, everything sent that clients took in time
    1  audit has findings; or an error that has no code of its own
${codes.join('\n')}
`;
}
