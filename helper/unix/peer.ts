import type { Peer } from '../pipe/connection.ts';

/** The client's identity, as the kernel saw it at connect(2). */
export interface UnixPeer extends Peer {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Decides whether a peer may read the stream, in addition to the socket's mode. */
export type PeerPolicy = (peer: UnixPeer) => boolean;

/** Allows root and members of the socket's group. */
export const rootOrGroup =
  (group: number): PeerPolicy =>
  (peer) =>
    peer.uid === 0 || peer.gid === group || peer.groups.includes(group);
