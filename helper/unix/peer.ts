import type { Peer } from '../pipe/connection.ts';

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
