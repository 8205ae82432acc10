import { parseArgs } from 'node:util';
import { exitStatuses, HelperError } from './errors.ts';
import { auditFlags, COMMANDS, runFlags, type Flag } from './flags.ts';
import {
  DEFAULT_BACKLOG_BYTES,
  DEFAULT_RING_BYTES,
  MAX_BACKLOG_BYTES,
  MAX_ENV_NAME_BYTES,
  MAX_ENV_NAMES,
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
  readonly forks: boolean;
  /** The variables of the environment to tell; none without the flag. */
  readonly env: readonly string[];
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
  const flags = runFlags(platform);
  const values = parseFlags(args, flags);
  for (const { name, available } of flags) {
    if (values[name] !== undefined && !available)
      throw new HelperError('HELPER_UNSUPPORTED', `--${name}: not available on this system`);
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
    forks: values['forks'] === true,
    env: variableNames(values['env'] as string | undefined),
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

/** Letters of variables that are in use: BASH_FUNC_x%%, npm_config_@scope. No `*` and `?`, which a reader would take as wildcards. */
const VARIABLE_NAME = /^[A-Za-z_][\w.%+:@/()-]*$/;

/** The names of `--env`. An empty value, as a service gives it that asks for none, is none. */
function variableNames(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return [];
  const names = [...new Set(text.split(','))];
  const usage = (problem: string): HelperError =>
    new HelperError(
      'HELPER_USAGE',
      `--env: ${problem}. Give names of variables, as in --env LD_PRELOAD,SSH_CONNECTION.`,
    );
  if (names.length > MAX_ENV_NAMES) throw usage(`${names.length} names, more than ${MAX_ENV_NAMES}`);
  for (const name of names) {
    // A value may be a secret, and this message goes into a log.
    const shown = JSON.stringify(name.split('=')[0]?.slice(0, MAX_ENV_NAME_BYTES));
    if (name.includes('=')) throw usage(`${shown} has a value; only the name of a variable is expected`);
    if (!VARIABLE_NAME.test(name)) throw usage(`${shown} is not the name of a variable (there are no wildcards)`);
    if (name.length > MAX_ENV_NAME_BYTES) throw usage(`the name ${shown}… is longer than ${MAX_ENV_NAME_BYTES} bytes`);
  }
  return names;
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
  const values = parseFlags(args, auditFlags(platform));
  return {
    socket: (values['socket'] as string | undefined) ?? systemOf(platform).socket,
    json: values['json'] === true,
    manifest: values['manifest'] as string | undefined,
  };
}

function parseFlags(args: string[], flags: readonly Flag[]): Partial<Record<string, string | boolean>> {
  const options = Object.fromEntries(
    flags.map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const),
  );
  try {
    return parseArgs({ args, options, allowNegative: true }).values as Partial<Record<string, string | boolean>>;
  } catch (cause) {
    throw new HelperError(
      'HELPER_USAGE',
      `${(cause as Error).message.split('\n')[0]!.replace(/\.+$/, '')}. See probes-helper --help.`,
      {
        cause,
      },
    );
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
  const usage = COMMANDS.map(
    ({ name, flags, text }) =>
      `  probes-helper ${(flags === undefined ? name : `${name} [flags]`).padEnd(16)}${text}\n`,
  );
  const codes = exitStatuses().map(([status, meaning]) => `  ${String(status).padStart(3)}  ${meaning}\n`);
  return `probes-helper: owns the tracing session and forwards its events, with no privilege left

usage:
${usage.join('')}
flags of run:
${flagLines(runFlags(platform))}
flags of audit:
${flagLines(auditFlags(platform))}
Sizes take KiB, MiB, GiB. There is no configuration file and no environment variable.

exit codes:
${codes.join('')}`;
}

function flagLines(flags: readonly Flag[]): string {
  return flags
    .filter(({ available }) => available)
    .map(({ name, value = '', text }) => {
      const lines = text.replaceAll('\n', `\n${' '.repeat(22)}`);
      return `  ${`--${name} ${value}`.padEnd(19)} ${lines}\n`;
    })
    .join('');
}
