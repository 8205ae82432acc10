import { lstat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError } from '../errors.ts';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Makes sure that only `ownerUid` (root) can have put the socket there, so that
 * what answers is the helper: the socket belongs to it, so does its folder, and
 * nobody else can rename anything on the way to it.
 *
 * There is no race to the connect that follows: whoever could replace the
 * socket in between would have failed this check.
 *
 * @throws {AgentError} HELPER_SOCKET_UNSAFE, naming what is wrong; the system's error when there is no such socket
 */
export async function verifySocket(socketPath: string, ownerUid: number): Promise<void> {
  const socket = await lstat(socketPath);
  if (!socket.isSocket()) throw unsafe(`${socketPath} is not a socket`);
  if (socket.uid !== ownerUid) throw unsafe(`${socketPath} belongs to uid ${socket.uid}, not to uid ${ownerUid}`);

  const folder = await realpath(dirname(socketPath));
  const stats = await lstat(folder);
  if (stats.uid !== ownerUid) throw unsafe(`folder ${folder} belongs to uid ${stats.uid}, not to uid ${ownerUid}`);
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw unsafe(`folder ${folder} has mode ${octal(stats.mode)}: others than its owner can write to it`);
  }
  await verifyAncestors(folder, ownerUid);
}

async function verifyAncestors(folder: string, ownerUid: number): Promise<void> {
  for (let child = folder; dirname(child) !== child;) {
    const parent = dirname(child);
    const stats = await lstat(parent);
    if (stats.uid !== 0 && stats.uid !== ownerUid) {
      throw unsafe(`folder ${parent} belongs to uid ${stats.uid}, who could replace ${child}`);
    }
    if ((stats.mode & WRITABLE_BY_OTHERS) !== 0 && (stats.mode & STICKY) === 0) {
      throw unsafe(`folder ${parent} has mode ${octal(stats.mode)}: others could replace ${child}`);
    }
    child = parent;
  }
}

function unsafe(what: string): AgentError {
  return new AgentError(
    'HELPER_SOCKET_UNSAFE',
    `${what}. Only the helper may provide events: check source.socket, and that probes-helper made this socket.`,
  );
}

function octal(mode: number): string {
  return `0${(mode & 0o7777).toString(8)}`;
}
