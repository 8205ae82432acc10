import { createReadStream, openSync } from 'node:fs';
import { loadFfi } from '../../ffi.ts';

/** poll(2). */
const POLLPRI = 0x2;

/** The mounts of this process, as proc_pid_mountinfo(5) writes them. */
const MOUNTS = '/proc/self/mountinfo';

/** The most of that file that is read, in bytes: some 20,000 mounts. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Returns a number that changes when anything was mounted or unmounted for this process; undefined where that cannot be told. */
export type MountGeneration = () => number | undefined;

const UNKNOWN: MountGeneration = () => undefined;

let bound: MountGeneration | undefined;

/**
 * Returns a function that asks the kernel for changes of the mounts: one system call that never waits. The descriptor that it
 * needs stays open as long as the process. Linux only, with /proc and the FFI library.
 */
export function mountGeneration(): MountGeneration {
  return (bound ??= process.platform === 'linux' ? bindPoll() : UNKNOWN);
}

/** fs/proc_namespace.c, mounts_poll: POLLPRI for each open file once after each change. */
function bindPoll(): MountGeneration {
  let poll: (fds: Buffer, count: number, timeoutMs: number) => number;
  // struct pollfd: int fd, short events, short revents.
  const request = Buffer.alloc(8);
  try {
    // load(null) finds functions in the running program, which already has the C library: it searches for no file.
    poll = loadFfi().load(null).func('int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout)');
    request.writeInt32LE(openSync(MOUNTS, 'r'), 0);
  } catch {
    return UNKNOWN;
  }
  request.writeInt16LE(POLLPRI, 4);
  let generation = 0;
  return () => {
    const ready = poll(request, 1, 0);
    if (ready < 0) return undefined;
    if (ready > 0) generation++;
    return generation;
  };
}

/**
 * The types of the file systems that lie on a path: those that are mounted at it or at a folder above it, also where another one
 * was mounted over them. Asks no file system, so it waits for none.
 * @param path absolute, without links and without `.` and `..`
 * @returns undefined when the mounts cannot be read, or are too many
 */
export async function fileSystemsOn(path: string): Promise<ReadonlySet<string> | undefined> {
  let text = '';
  try {
    for await (const piece of createReadStream(MOUNTS, { encoding: 'latin1', end: MAX_BYTES - 1 })) {
      text += piece as string;
      if (text.length >= MAX_BYTES) return undefined;
    }
  } catch {
    return undefined;
  }
  return typesOn(path, text);
}

/** @param mountinfo that file's text, a character for each byte */
export function typesOn(path: string, mountinfo: string): ReadonlySet<string> {
  const bytes = Buffer.from(path).toString('latin1');
  const types = new Set<string>();
  // 36 35 98:0 ROOT MOUNT-POINT OPTIONS FIELD... - TYPE SOURCE OPTIONS
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const point = before.split(' ')[4];
    if (point === undefined || !contains(unescaped(point), bytes)) continue;
    types.add(after.split(' ', 1)[0]!);
  }
  return types;
}

/** Space, tab, newline and backslash are written as three octal digits. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

const contains = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
