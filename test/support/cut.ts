import type { Socket } from 'node:net';

/**
 * Ends a connection as a receiver that is killed does: with a reset. Without one under TLS, and where the other side is just
 * ending it: Node.js 24 can then spin for ever when the process ends.
 */
export function cut(socket: Socket, isTls: boolean): void {
  if (isTls || socket.readableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
