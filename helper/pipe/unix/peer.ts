import type { Libc } from '../../ffi/libc.ts';
import type { Peer } from '../connection.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
/** The kernel allows 65,536; who is in more groups than this is judged by the first group alone. */
const MAX_GROUPS = 1024;

/** Who connected, as the kernel saw it at connect(2). */
export interface UnixPeer extends Peer {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Whether a peer may have the stream. The socket's mode asks the same question; this answers it a second time. */
export type PeerPolicy = (peer: UnixPeer) => boolean;

/** Root, and members of the socket's group. */
export const rootOrGroup =
  (group: number): PeerPolicy =>
  (peer) =>
    peer.uid === 0 || peer.gid === group || peer.groups.includes(group);

/** Undefined where the system does not tell. */
export function peerOf(libc: Libc, fd: number): UnixPeer | undefined {
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
