import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import { HelperError } from '../errors.ts';
import { SystemError } from './system-error.ts';
import { MAX_CLIENTS } from '../limits.ts';
import { requireTrusted } from './trusted-files.ts';
import type { SocketCalls } from './socket-calls.ts';

/** The open pipe. Both descriptors belong to the caller. */
export interface ListeningSocket {
  readonly fd: number;
  /** Its path without links, at which it is bound. */
  readonly path: string;
  /** Held as long as a helper serves this path; the kernel releases it when the helper ends, however it ends. */
  readonly lock: number;
}

/**
 * Makes the socket and listens on it. The socket never has a wider mode than 0660 root:group: it is created with 0600,
 * given to its group, and only then opened to the group.
 * @throws {HelperError}
 */
export function listen(calls: SocketCalls, socketPath: string, group: number): ListeningSocket {
  if (!path.isAbsolute(socketPath))
    throw new HelperError('HELPER_USAGE', `--socket: expected an absolute path, got "${socketPath}"`);
  addressOf(calls, socketPath);
  return listenIn(calls, prepareFolder(path.dirname(socketPath), group), path.basename(socketPath), group);
}

function listenIn(calls: SocketCalls, folder: string, name: string, group: number): ListeningSocket {
  const socketPath = path.join(folder, name);
  const address = addressOf(calls, socketPath);
  const lock = takeLock(calls, `${socketPath}.lock`);
  removeStale(calls, socketPath, address);

  const fd = calls.socket();
  if (fd < 0) throw failed(socketPath, calls.failure('socket'));
  const umask = process.umask(0o177);
  try {
    if (calls.bind(fd, address) !== 0) throw calls.failure('bind');
    chownSync(socketPath, 0, group);
    chmodSync(socketPath, 0o660);
    if (calls.listen(fd, MAX_CLIENTS) !== 0) throw calls.failure('listen');
  } catch (cause) {
    closeSync(fd);
    throw failed(socketPath, cause as Error);
  } finally {
    process.umask(umask);
  }
  return { fd, lock, path: socketPath };
}

/**
 * Makes the folder for root and the group; an existing one must be writable only by root. Returns its real path. Checks
 * the folder above first: if others can write there, a link could replace the new folder.
 */
function prepareFolder(asked: string, group: number): string {
  const above = path.dirname(asked);
  if (!existsSync(above))
    throw new HelperError('HELPER_SOCKET', `there is no folder ${above}. Make it, or choose another --socket.`);
  const folder = path.join(requireTrusted(above), path.basename(asked));
  try {
    mkdirSync(folder, { mode: 0o750 });
    chownSync(folder, 0, group);
    chmodSync(folder, 0o750);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw failed(folder, cause as Error);
  }
  return requireTrusted(folder);
}

function takeLock(calls: SocketCalls, lockPath: string): number {
  let fd: number;
  try {
    // A FIFO in its place is an error, and would otherwise be waited for.
    fd = openSync(lockPath, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
  } catch (cause) {
    throw failed(lockPath, cause as Error);
  }
  if (calls.lock(fd)) return fd;
  closeSync(fd);
  throw new HelperError(
    'HELPER_SOCKET_IN_USE',
    `another helper holds ${lockPath}. Stop it, or give this one its own --socket.`,
  );
}

/** Removes a socket that nobody serves any more; refuses to touch anything else at that path. */
function removeStale(calls: SocketCalls, socketPath: string, address: Buffer): void {
  let found: Stats;
  try {
    found = lstatSync(socketPath);
  } catch {
    return;
  }
  if (!found.isSocket())
    throw new HelperError(
      'HELPER_SOCKET',
      `${socketPath} exists and is not a socket. Move it away, or choose another --socket.`,
    );
  const probe = calls.socket();
  const served = calls.connect(probe, address) === 0 || calls.failure('connect').code !== 'ECONNREFUSED';
  closeSync(probe);
  if (served)
    throw new HelperError(
      'HELPER_SOCKET_IN_USE',
      `another program listens on ${socketPath}. Stop it, or choose another --socket.`,
    );
  unlinkSync(socketPath);
}

/** The socket's address. @throws {HelperError} if the path is too long for the system */
function addressOf(calls: SocketCalls, socketPath: string): Buffer {
  if (Buffer.byteLength(socketPath) > calls.maxPathBytes) {
    throw new HelperError(
      'HELPER_SOCKET',
      `${socketPath} is longer than ${calls.maxPathBytes} bytes, the most a socket's path can have`,
    );
  }
  return calls.address(socketPath);
}

function failed(what: string, cause: Error): HelperError {
  const reason =
    cause instanceof SystemError ? cause.message : `${(cause as NodeJS.ErrnoException).code ?? cause.message}`;
  return new HelperError('HELPER_SOCKET', `cannot make ${what}: ${reason}`, { cause });
}
