import { chmodSync, chownSync, closeSync, lstatSync, mkdirSync, openSync, unlinkSync, type Stats } from 'node:fs';
import path from 'node:path';
import { HelperError } from '../../errors.ts';
import { SystemError, type Libc } from '../../ffi/libc.ts';
import { MAX_CLIENTS, MAX_SOCKET_PATH_BYTES } from '../../limits.ts';
import { requireTrusted } from '../../privileges/trusted-files.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const LOCK_EX_NB = 2 | 4;

/** The open pipe. Both descriptors belong to the caller. */
export interface ListeningSocket {
  readonly fd: number;
  /** Held as long as a helper serves this path; the kernel lets go of it when the helper ends, however it ends. */
  readonly lock: number;
}

/**
 * Makes the socket and listens on it. It never exists with a wider mode than
 * 0660 root:group: it is made 0600, given to its group, and only then opened to it.
 * @throws {HelperError}
 */
export function listen(libc: Libc, socketPath: string, group: number): ListeningSocket {
  if (!path.isAbsolute(socketPath)) throw new HelperError('HELPER_USAGE', `--socket: expected an absolute path, got "${socketPath}"`);
  unixAddress(socketPath);
  return listenIn(libc, prepareFolder(path.dirname(socketPath), group), path.basename(socketPath), group);
}

function listenIn(libc: Libc, folder: string, name: string, group: number): ListeningSocket {
  const socketPath = path.join(folder, name);
  const address = unixAddress(socketPath);
  const lock = takeLock(libc, `${socketPath}.lock`);
  removeStale(libc, socketPath, address);

  const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failed(socketPath, libc.failure('socket'));
  const umask = process.umask(0o177);
  try {
    if (libc.bind(fd, address, address.length) !== 0) throw libc.failure('bind');
    chownSync(socketPath, 0, group);
    chmodSync(socketPath, 0o660);
    if (libc.listen(fd, MAX_CLIENTS) !== 0) throw libc.failure('listen');
  } catch (cause) {
    closeSync(fd);
    throw failed(socketPath, cause as Error);
  } finally {
    process.umask(umask);
  }
  return { fd, lock };
}

/** The folder is made for root and the group, or, if it is there, must be root's alone to write. Gives its real path. */
function prepareFolder(folder: string, group: number): string {
  try {
    mkdirSync(folder, { mode: 0o750 });
    chownSync(folder, 0, group);
    chmodSync(folder, 0o750);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw failed(folder, cause as Error);
  }
  return requireTrusted(folder);
}

function takeLock(libc: Libc, lockPath: string): number {
  let fd: number;
  try {
    fd = openSync(lockPath, 'w', 0o600);
  } catch (cause) {
    throw failed(lockPath, cause as Error);
  }
  if (libc.flock(fd, LOCK_EX_NB) === 0) return fd;
  closeSync(fd);
  throw new HelperError('HELPER_SOCKET_IN_USE', `another helper holds ${lockPath}. Stop it, or give this one its own --socket.`);
}

/** A socket that nobody serves any more is removed; anything else at that path is not ours to touch. */
function removeStale(libc: Libc, socketPath: string, address: Buffer): void {
  let found: Stats;
  try {
    found = lstatSync(socketPath);
  } catch {
    return;
  }
  if (!found.isSocket()) throw new HelperError('HELPER_SOCKET', `${socketPath} exists and is not a socket. Move it away, or choose another --socket.`);
  const probe = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const served = libc.connect(probe, address, address.length) === 0 || libc.failure('connect').code !== 'ECONNREFUSED';
  closeSync(probe);
  if (served) throw new HelperError('HELPER_SOCKET_IN_USE', `another program listens on ${socketPath}. Stop it, or choose another --socket.`);
  unlinkSync(socketPath);
}

/** struct sockaddr_un: the family, then the path with its NUL. */
function unixAddress(socketPath: string): Buffer {
  const name = Buffer.from(`${socketPath}\0`);
  if (name.length > MAX_SOCKET_PATH_BYTES + 1) {
    throw new HelperError('HELPER_SOCKET', `${socketPath} is longer than ${MAX_SOCKET_PATH_BYTES} bytes, the most a socket's path can have`);
  }
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}

function failed(what: string, cause: Error): HelperError {
  const reason = cause instanceof SystemError ? cause.message : `${(cause as NodeJS.ErrnoException).code ?? cause.message}`;
  return new HelperError('HELPER_SOCKET', `cannot make ${what}: ${reason}`, { cause });
}
