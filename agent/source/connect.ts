import { connect, type Socket } from 'node:net';
import type { ConnectionHandlers, SourceConnection } from './connection.ts';
import { listenerAsker } from './listener.ts';
import { trustedSocket, unsafeSocket } from './socket-trust.ts';
import { openPipe } from './windows-pipe.ts';

/** Who must have made the helper's socket or pipe: root, or SYSTEM and administrators. Only tests name others. */
export interface Trust {
  /** User id that must own the socket and have called listen(2) on it. */
  readonly ownerUid: number;
  /** Windows: SIDs that may own the pipe. */
  readonly ownerSids: readonly string[];
}

export const PRODUCT_TRUST: Trust = { ownerUid: 0, ownerSids: ['S-1-5-18', 'S-1-5-32-544'] };

/**
 * Connects to the helper, and to nobody else. The socket is checked by its path before, and by its listener after it
 * is connected; not a byte is read before both are good. A listener that is not trusted reaches `onError` as
 * HELPER_SOCKET_UNSAFE.
 * @param memory every read goes into it
 * @throws {AgentError} HELPER_SOCKET_UNSAFE when somebody else may have made what is there, ADDON_UNSAFE; the system's error when nothing is there
 */
export function connectToHelper(
  path: string,
  trust: Trust,
  memory: Buffer,
  handlers: ConnectionHandlers,
): SourceConnection {
  if (process.platform === 'win32') return openPipe(path, trust.ownerSids, memory, handlers);
  const listenerOf = listenerAsker();
  const checked = trustedSocket(path, trust.ownerUid);
  const socket = connect({ path: checked, onread: { buffer: memory, callback: (bytes) => handlers.onBytes(bytes) } });
  socket.once('connect', () => {
    const uid = listenerOf(descriptorOf(socket));
    if (uid === trust.ownerUid) return;
    socket.destroy(unsafeSocket(`${checked} is served by uid ${uid ?? 'unknown'}, not by uid ${trust.ownerUid}`));
  });
  socket.on('error', (error) => handlers.onError(error));
  socket.on('close', () => handlers.onClose());
  return socket;
}

/** Node.js has no public name for it. -1, which no call takes, should it ever lie elsewhere. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: unknown } | null };
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}
