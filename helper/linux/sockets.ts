import { closeSync } from 'node:fs';
import type { Libc } from './libc.ts';
import type { UnixPeer } from '../unix/peer.ts';
import type { SocketCalls } from '../unix/socket-calls.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const FIONREAD = 0x541b;
const LOCK_EX_NB = 2 | 4;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
const EAGAIN = 11;
const ENOBUFS = 105;
/** The kernel allows 65,536 groups; for a process with more groups than this, only the first one counts. */
const MAX_GROUPS = 1024;
/** sun_path of unix(7), less its NUL. */
const MAX_PATH_BYTES = 107;

/** Unix sockets on Linux: unix(7). */
export const linuxSockets = (libc: Libc): SocketCalls => ({
  maxPathBytes: MAX_PATH_BYTES,
  socket: () => libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
  address: unixAddress,
  bind: (fd, address) => libc.bind(fd, address, address.length),
  connect: (fd, address) => libc.connect(fd, address, address.length),
  listen: libc.listen,
  accept: (fd) => libc.accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC),
  send(fd, piece) {
    const sent = Number(libc.send(fd, piece, piece.length, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (sent >= 0) return sent;
    const errno = libc.errno();
    // ENOBUFS when the kernel is short of memory: try again later in both cases.
    return errno === EAGAIN || errno === ENOBUFS ? 'full' : 'gone';
  },
  pending(fd) {
    const bytes = [0];
    return libc.ioctl(fd, FIONREAD, bytes) === 0 ? (bytes[0] as number) : 0;
  },
  peer: (fd) => peerOf(libc, fd),
  lock: (fd) => libc.flock(fd, LOCK_EX_NB) === 0,
  failure: libc.failure,
});

/**
 * A new datagram socket that is connected to a path, or to a name without a file, written `@NAME`; closed on exec, and
 * owned by the caller.
 * @throws {SystemError}
 */
export function connectDatagrams(libc: Libc, to: string): number {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw libc.failure('socket');
  const address = to.startsWith('@') ? familyThen(`\0${to.slice(1)}`) : unixAddress(to);
  if (libc.connect(fd, address, address.length) === 0) return fd;
  const failure = libc.failure('connect');
  closeSync(fd);
  throw failure;
}

/** Sends one datagram to where a socket is connected. Does not wait: one that finds no room is lost. */
export function sendDatagram(libc: Libc, fd: number, text: string): void {
  const bytes = Buffer.from(text);
  libc.send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

const unixAddress = (path: string): Buffer => familyThen(`${path}\0`);

/** struct sockaddr_un of unix(7): the family, then a path with its NUL, or a NUL and a name. */
function familyThen(rest: string): Buffer {
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, Buffer.from(rest)]);
}

function peerOf(libc: Libc, fd: number): UnixPeer | undefined {
  const credentials = Buffer.alloc(12);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, [credentials.length]) !== 0) return undefined;
  const groups = Buffer.alloc(4 * MAX_GROUPS);
  const length = [groups.length];
  const known = libc.getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, length) === 0 ? (length[0] as number) / 4 : 0;
  return {
    pid: credentials.readInt32LE(0),
    uid: credentials.readUInt32LE(4),
    gid: credentials.readUInt32LE(8),
    groups: Array.from({ length: known }, (_, i) => groups.readUInt32LE(4 * i)),
  };
}
