import { AgentError } from '../errors.ts';
import { trustedPath, UntrustedPathError } from '../files/trusted-path.ts';

/**
 * Finds the helper's socket, and makes sure that only `ownerUid` (root) can have created it: the socket and its folder
 * belong to that user, and nobody else can change a name, a link or a folder in its path.
 * @returns the checked path, without links that somebody could redirect; connect to this path
 * @throws {AgentError} HELPER_SOCKET_UNSAFE, naming the fault; the system's error when there is no such socket
 */
export function trustedSocket(socketPath: string, ownerUid: number): string {
  try {
    const { path, stats } = trustedPath(socketPath, [ownerUid]);
    if (!stats.isSocket()) throw new UntrustedPathError(`${path} is not a socket`);
    return path;
  } catch (error) {
    if (error instanceof UntrustedPathError) throw unsafeSocket(error.message);
    throw error;
  }
}

/** @param found the fault of the socket or of its server */
export function unsafeSocket(found: string): AgentError {
  return new AgentError(
    'HELPER_SOCKET_UNSAFE',
    `${found}. Only the helper may provide events: check source.socket, and that probes-helper created this socket.`,
  );
}
