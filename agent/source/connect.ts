import { connect, type Socket } from 'node:net';
import type { ConnectionHandlers, SourceConnection } from './connection.ts';
import { listenerAsker } from './listener.ts';
import { trustedSocket, unsafeSocket } from './socket-trust.ts';
import { openPipe } from './windows-pipe.ts';

/** The required creator of the helper's socket or pipe: root, or SYSTEM and administrators. Only tests set others. */
export interface Trust {
  /** The user id that must own the socket and must have called listen(2) on it. */
  readonly ownerUid: number;
  /** Windows: SIDs that may own the pipe. */
  readonly ownerSids: readonly string[];
}

export const PRODUCT_TRUST: Trust = { ownerUid: 0, ownerSids: ['S-1-5-18', 'S-1-5-32-544'] };

/**
 * Connects to the helper and to no other program. Checks the socket's path before it connects and the socket's listener
 * afterwards, and reads no byte before both pass. An untrusted listener reaches `onError` as HELPER_SOCKET_UNSAFE.
 * @param room gives the memory for each read; called before it
 * @throws {AgentError} HELPER_SOCKET_UNSAFE when another user may have created the socket, ADDON_UNSAFE; the system's error when there is no socket
 */
export function connectToHelper(
  path: string,
  trust: Trust,
  room: () => Buffer,
  handlers: ConnectionHandlers,
): SourceConnection {
  if (process.platform === 'win32') return openPipe(path, trust.ownerSids, room, handlers);
  const listenerOf = listenerAsker();
  const checked = trustedSocket(path, trust.ownerUid);
  const socket = connect({ path: checked, onread: { buffer: room, callback: (bytes) => handlers.onBytes(bytes) } });
  socket.once('connect', () => {
    const uid = listenerOf(descriptorOf(socket));
    if (uid === trust.ownerUid) return;
    socket.destroy(unsafeSocket(`${checked} is served by uid ${uid ?? 'unknown'}, not by uid ${trust.ownerUid}`));
  });
  socket.on('error', (error) => handlers.onError(error));
  socket.on('close', () => handlers.onClose());
  return socket;
}

/** Node.js has no public name for it. Returns -1, which every call refuses, if a later version moves it. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: unknown } | null };
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}
