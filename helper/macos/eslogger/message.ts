import type { EnvironmentFields } from '../../../shared/events/exec.ts';
import type { SeenProcess } from '../child/decoder.ts';
import { MAX_PATH_UNITS } from '../../limits.ts';
import { Variables } from '../../stream/variables.ts';

/** ES_EVENT_TYPE_NOTIFY_EXEC of EndpointSecurity/ESTypes.h. */
const NOTIFY_EXEC = 9;
/** Login uid and terminal of a process without one. */
const NONE = 0xffff_ffff;
const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;
const MAX_ID = 0xffff_ffff;

type Json = Readonly<Record<string, unknown>>;

/**
 * Converts a message of eslogger(1) about an exec. The format is not a stable interface: it follows es_message_t and
 * es_event_exec_t of Endpoint Security, and has gained fields with each macOS. So this relies only on the fields that
 * an event must have (the time, the process's id and image), and omits absent ones.
 * @param listed the names of `--env`; of the environment nothing else is kept
 * @returns undefined when the message is of another kind, or one of these is missing
 */
export function processOf(message: Json, listed: ReadonlySet<string>): SeenProcess | undefined {
  const exec = object(object(message['event'])?.['exec']);
  const target = object(exec?.['target']);
  const token = object(target?.['audit_token']);
  const when = TIME.exec(text(message['time']) ?? '');
  const pid = number(token?.['pid']);
  const exe = pathOf(target?.['executable']);
  const kind = number(message['event_type']) ?? NOTIFY_EXEC;
  if (
    kind !== NOTIFY_EXEC ||
    exec === undefined ||
    target === undefined ||
    when === null ||
    pid === undefined ||
    exe === undefined
  )
    return undefined;
  const seconds = Date.parse(`${when[1]}Z`) / 1000;
  if (!Number.isSafeInteger(seconds)) return undefined;

  const script = pathOf(exec['script']);
  // macOS 13.3 added the path before links are followed.
  const filename = script ?? path(exec['dyld_exec_path']) ?? exe;
  const cwd = pathOf(exec['cwd']);
  const argv = strings(exec['args']);
  const ppid = number(target['ppid']);
  const parent = object(target['parent_audit_token']);
  const stat = object(object(target['executable'])?.['stat']);
  const mode = number(stat?.['st_mode']) ?? 0;
  const flags = [
    ...(script === undefined ? [] : ['script']),
    ...((mode & S_ISUID) === 0 ? [] : ['setuid']),
    ...((mode & S_ISGID) === 0 ? [] : ['setgid']),
    ...(exe.cut ? ['exe_truncated'] : []),
    ...(cwd?.cut === true ? ['cwd_truncated'] : []),
  ];
  return {
    type: 'exec',
    pid,
    timestamp: seconds,
    time: `${when[1]}.${(when[2] ?? '').padEnd(9, '0')}Z`,
    ...known('ppid', ppid),
    ...known('uid', number(token?.['ruid'])),
    ...known('gid', number(token?.['rgid'])),
    ...known('euid', number(token?.['euid'])),
    ...known('egid', number(token?.['egid'])),
    ...known('loginuid', unless(NONE, number(token?.['auid']))),
    ...known('session_id', unless(0, number(target['session_id']))),
    ...known('tty', unless(NONE, number(object(object(target['tty'])?.['stat'])?.['st_rdev']))),
    exe: exe.text,
    filename: filename.text,
    argv,
    callersFrom: callersFrom(argv ?? [], script?.text),
    ...(filename.cut ? { argv_truncated: true } : {}),
    ...environmentOf(strings(exec['env']), listed),
    ...known('cwd', cwd?.text),
    ...known('start_time', microseconds(text(target['start_time']))),
    ...(flags.length === 0 ? {} : { flags }),
    ...known('parent', parentOf(number(parent?.['pid']) ?? ppid)),
    source: 'eslogger',
  };
}

/** Without a list of texts, which a later macOS may not print, nothing could be looked at. */
function environmentOf(variables: readonly string[] | undefined, listed: ReadonlySet<string>): EnvironmentFields {
  if (listed.size === 0) return {};
  if (variables === undefined) return { env_truncated: true };
  const found = new Variables();
  for (const variable of variables) {
    const end = variable.indexOf('=');
    const name = variable.slice(0, Math.max(0, end));
    if (listed.has(name)) found.add(name, Buffer.from(variable.slice(end + 1)));
  }
  const { raw: _, ...fields } = found.fields();
  return fields;
}

/**
 * The message's number from Endpoint Security: among this client's exec messages, or among all of its messages, which
 * is the same here.
 */
export function numberOf(message: Json): number | undefined {
  return whole(message['seq_num']) ?? whole(message['global_seq_num']);
}

/**
 * Finds the caller's arguments: they follow the script's path, which follows its interpreter and perhaps one argument
 * for it.
 */
function callersFrom(argv: readonly string[], script: string | undefined): number {
  if (script === undefined) return 1;
  const name = script.slice(script.lastIndexOf('/') + 1);
  // The arguments contain the requested path, which may be relative; the script's path is absolute.
  const at = argv
    .slice(1, 3)
    .findIndex((argument) => argument === script || argument === name || argument.endsWith(`/${name}`));
  return at === -1 ? 1 : at + 2;
}

const parentOf = (pid: number | undefined): { pid: number } | undefined =>
  pid === undefined || pid === 0 ? undefined : { pid };

function microseconds(time: string | undefined): number | undefined {
  const match = TIME.exec(time ?? '');
  if (match === null) return undefined;
  const since = Date.parse(`${match[1]}Z`) * 1000 + Number((match[2] ?? '').padEnd(9, '0').slice(0, 6));
  return Number.isSafeInteger(since) && since >= 0 ? since : undefined;
}

/** es_file_t: a path that Endpoint Security, or this helper, may have cut. */
function pathOf(file: unknown): { text: string; cut: boolean } | undefined {
  const whole = object(file);
  const found = path(whole?.['path']);
  return found === undefined ? undefined : { ...found, cut: found.cut || whole?.['path_truncated'] === true };
}

function path(value: unknown): { text: string; cut: boolean } | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return { text: value.slice(0, MAX_PATH_UNITS), cut: value.length > MAX_PATH_UNITS };
}

function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

const object = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const whole = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

/** An unsigned 32-bit id, even if printed with a sign. */
function number(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= -(2 ** 31) && (value as number) <= MAX_ID
    ? (value as number) >>> 0
    : undefined;
}

const unless = (none: number, value: number | undefined): number | undefined => (value === none ? undefined : value);

/** The field, if it has a value. */
function known<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, V>);
}
