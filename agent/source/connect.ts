import { connect } from 'node:net';
import { openPipe } from './windows-pipe.ts';
import { verifySocket } from './socket-trust.ts';
import type { ConnectionHandlers, SourceConnection } from './connection.ts';

/** Who must have made the helper's socket or pipe: root, or SYSTEM and administrators; others for tests alone. */
export interface Trust {
  /** User number of a socket's owner. */
  readonly ownerUid: number;
  /** Windows: SIDs that may own the pipe. */
  readonly ownerSids: readonly string[];
}

export const PRODUCT_TRUST: Trust = { ownerUid: 0, ownerSids: ['S-1-5-18', 'S-1-5-32-544'] };

/**
 * Connects to the helper, and to nobody else.
 * @param memory every read goes into it
 * @throws {AgentError} HELPER_SOCKET_UNSAFE when somebody else may have made what is there; the system's error when nothing is
 */
export async function connectToHelper(
  path: string,
  trust: Trust,
  memory: Buffer,
  handlers: ConnectionHandlers,
): Promise<SourceConnection> {
  if (process.platform === 'win32') return openPipe(path, trust.ownerSids, memory, handlers);
  await verifySocket(path, trust.ownerUid);
  const socket = connect({ path, onread: { buffer: memory, callback: (bytes) => handlers.onBytes(bytes) } });
  socket.on('error', (error) => handlers.onError(error));
  socket.on('close', () => handlers.onClose());
  return socket;
}
