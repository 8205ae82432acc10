import { closeSync } from 'node:fs';
import type { UnixPeer } from '../unix/peer.ts';
import type { SocketCalls } from '../unix/socket-calls.ts';
import type { MacLibc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const MSG_DONTWAIT = 0x80;
/** _IOR('f', 127, int) of sys/filio.h. */
const FIONREAD = 0x4004667f;
const LOCK_EX_NB = 2 | 4;
const SOL_LOCAL = 0;
const LOCAL_PEERCRED = 1;
const LOCAL_PEERPID = 2;
const EAGAIN = 35;
const ENOBUFS = 55;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 4;
/** sun_path of sys/un.h, less its NUL. */
const MAX_PATH_BYTES = 103;
/** struct xucred of sys/ucred.h: version, uid, number of groups (16 bits, then 16 unused), 16 groups. */
const XUCRED_BYTES = 76;
const XUCRED_GROUPS = 12;
const MAX_GROUPS = 16;

/** Unix sockets on macOS: unix(4). socket(2) has no flags and there is no accept4(2); Node.js ignores SIGPIPE. */
export const macSockets = (libc: MacLibc): SocketCalls => ({
  maxPathBytes: MAX_PATH_BYTES,
  socket: () => prepared(libc, libc.socket(AF_UNIX, SOCK_STREAM, 0)),
  address: unixAddress,
  bind: (fd, address) => libc.bind(fd, address, address.length),
  connect: (fd, address) => libc.connect(fd, address, address.length),
  listen: libc.listen,
  accept: (fd) => prepared(libc, libc.accept(fd, null, null)),
  send(fd, piece) {
    const sent = Number(libc.send(fd, piece, piece.length, MSG_DONTWAIT));
    if (sent >= 0) return sent;
    const errno = libc.errno();
    return errno === EAGAIN || errno === ENOBUFS ? 'full' : 'gone';
  },
  pending(fd) {
    const bytes = Buffer.alloc(4);
    return libc.ioctl(fd, FIONREAD, 'void *', bytes) === 0 ? bytes.readInt32LE(0) : 0;
  },
  peer: (fd) => peerOf(libc, fd),
  lock: (fd) => libc.flock(fd, LOCK_EX_NB) === 0,
  failure: libc.failure,
});

/** Makes a descriptor non-blocking and closed on exec. No other thread of ours starts programs meanwhile. */
function prepared(libc: MacLibc, fd: number): number {
  if (fd < 0) return fd;
  if (libc.fcntl(fd, F_SETFD, 'int', FD_CLOEXEC) === 0 && setNonBlocking(libc, fd)) return fd;
  closeSync(fd);
  return -1;
}

/** Makes a descriptor non-blocking. @returns whether that worked */
export function setNonBlocking(libc: MacLibc, fd: number): boolean {
  const flags = libc.fcntl(fd, F_GETFL) as number;
  return flags >= 0 && libc.fcntl(fd, F_SETFL, 'int', flags | O_NONBLOCK) === 0;
}

/** Marks a descriptor for closing on exec. @returns whether that worked */
export const closeOnExec = (libc: MacLibc, fd: number): boolean => libc.fcntl(fd, F_SETFD, 'int', FD_CLOEXEC) === 0;

/** struct sockaddr_un: its length, the family, then the path with its NUL. */
function unixAddress(path: string): Buffer {
  const name = Buffer.from(`${path}\0`);
  return Buffer.concat([Buffer.from([2 + name.length, AF_UNIX]), name]);
}

/** The peer's effective ids at connect(2). The first group is its effective one. */
function peerOf(libc: MacLibc, fd: number): UnixPeer | undefined {
  const credentials = Buffer.alloc(XUCRED_BYTES);
  if (libc.getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, credentials, [credentials.length]) !== 0) return undefined;
  const pid = Buffer.alloc(4);
  const hasPid = libc.getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, pid, [pid.length]) === 0;
  return { ...parseXucred(credentials), pid: hasPid ? pid.readInt32LE(0) : 0 };
}

/** Reads a struct xucred. */
export function parseXucred(bytes: Buffer): { uid: number; gid: number; groups: readonly number[] } {
  const count = Math.min(Math.max(bytes.readInt16LE(8), 0), MAX_GROUPS);
  const groups = Array.from({ length: count }, (_, i) => bytes.readUInt32LE(XUCRED_GROUPS + 4 * i));
  // A peer without a group cannot have the pipe's group.
  return { uid: bytes.readUInt32LE(4), gid: groups[0] ?? 0xffff_ffff, groups };
}
