import { isUtf8 } from 'node:buffer';
import { constants } from 'node:os';
import path from 'node:path';
import type { SeenProcess } from '../child/decoder.ts';

/** The joined records of one exec. */
export interface ToldExec {
  /** Numbers of an x record, or of an f record. */
  readonly numbers: readonly string[];
  readonly failed: boolean;
  readonly name: Buffer;
  readonly path: Buffer | undefined;
  /** Numbers of an i record; undefined if kernel memory cannot be read. */
  readonly info: readonly string[] | undefined;
  readonly args: readonly Buffer[];
  /** Whether the last argument may be longer than reported. */
  readonly cut: boolean;
}

// Reversed, so that the first of two names for a number wins: EAGAIN, not EWOULDBLOCK.
const ERROR_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** Nanoseconds since 1970, with as many digits as there are until the year 2286. */
const TIME = /^(?<seconds>\d{1,10})(?<nanoseconds>\d{9})$/;

/** The exec as an event; undefined for an invalid time. */
export function processOf({ numbers, failed, name, path: asked, info, args, cut }: ToldExec): SeenProcess | undefined {
  const [, , moment = '', pid, ppid, uid, gid, errno] = numbers;
  const time = TIME.exec(moment)?.groups;
  if (time === undefined) return undefined;
  const raw: Record<string, string> = {};
  const text = (field: string, bytes: Buffer): string => {
    if (!isUtf8(bytes)) raw[field] = bytes.toString('base64');
    return bytes.toString('utf8');
  };
  const comm = text('comm', name);
  const filename = asked === undefined ? comm : text('filename', asked);
  const seconds = Number(time['seconds']);
  const argv = info === undefined ? undefined : args.map((bytes, i) => text(`argv[${i}]`, bytes));
  const common = {
    pid: id(pid),
    timestamp: seconds,
    time: `${new Date(seconds * 1000).toISOString().slice(0, 20)}${time['nanoseconds']}Z`,
    ppid: id(ppid),
    uid: id(uid),
    gid: id(gid),
    filename,
    argv,
    callersFrom: callersFrom(argv ?? [], filename),
    ...(cut || (info !== undefined && args.length < Number(info[2])) ? { argv_truncated: true as const } : {}),
    ...(Object.keys(raw).length > 0 ? { raw } : {}),
    comm,
    ...(info === undefined ? {} : detailsOf(info)),
    parent: { pid: id(ppid) },
    source: 'dtrace' as const,
  };
  if (!failed) return { type: 'exec', ...common };
  // With a sign where the kernel passes it on as its functions return it.
  const error = Math.abs(Number(errno));
  return { type: 'exec_failed', ...common, error: ERROR_NAMES.get(error) ?? `E${error}` };
}

/** The fields that only kernel memory contains. */
function detailsOf([, , , euid, egid, session, tty, seconds, us]: readonly string[]) {
  const startTime = Number(seconds) * 1_000_000 + Number(us);
  return {
    euid: id(euid),
    egid: id(egid),
    ...(id(session) > 0 ? { session_id: id(session) } : {}),
    ...(Number(tty) > 0 ? { tty: id(tty) } : {}),
    ...(startTime > 0 && Number.isSafeInteger(startTime) ? { start_time: startTime } : {}),
  };
}

/** An unsigned 32-bit id, which D prints with a sign. */
const id = (text: string | undefined): number => Number(text) >>> 0;

/**
 * The index of the caller's first argument. The kernel puts a script's interpreter, and perhaps one argument for it,
 * before the script's path; nothing else shows that it was a script.
 */
function callersFrom(argv: readonly string[], filename: string): number {
  const script = argv.slice(0, 3).indexOf(filename, 1);
  return script === -1 || path.basename(argv[0] ?? '') === path.basename(filename) ? 1 : script + 1;
}
