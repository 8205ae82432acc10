import type { SystemError } from './system-error.ts';
import type { UnixPeer } from './peer.ts';

/**
 * The system calls on Unix sockets of one system: flags, layouts and error numbers differ. Descriptors belong to the
 * caller.
 */
export interface SocketCalls {
  /** Maximum bytes of a socket's path, without its NUL. */
  readonly maxPathBytes: number;

  /** A new stream socket: non-blocking, closed on exec; below 0 on failure. */
  socket(): number;

  /** struct sockaddr_un. @param path at most `maxPathBytes` long */
  address(path: string): Buffer;

  /** Each returns 0, or below 0 on failure. */
  bind(fd: number, address: Buffer): number;
  connect(fd: number, address: Buffer): number;
  listen(fd: number, backlog: number): number;

  /** The next connection: non-blocking, closed on exec; below 0 when there is none. */
  accept(fd: number): number;

  /** Sends bytes without waiting and without a signal. @returns how many were taken, or why none */
  send(fd: number, piece: Buffer): number | 'full' | 'gone';

  /** Bytes that wait to be read; 0 if the system does not report them. */
  pending(fd: number): number;

  /** The peer's identity, as the kernel saw it at connect(2); undefined if the system does not report it. */
  peer(fd: number): UnixPeer | undefined;

  /** Takes an exclusive lock on an open file without waiting. */
  lock(fd: number): boolean;

  /** The failure of the last call on this thread. */
  failure(call: string): SystemError;
}
