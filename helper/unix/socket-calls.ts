import type { SystemError } from './system-error.ts';
import type { UnixPeer } from './peer.ts';

/** The system calls on Unix sockets, as one system makes them: flags, layouts and error numbers differ. Descriptors belong to the caller. */
export interface SocketCalls {
  /** Bytes that a socket's path may have, without its NUL. */
  readonly maxPathBytes: number;

  /** A new stream socket: non-blocking, closed on exec; below 0 on failure. */
  socket(): number;

  /** struct sockaddr_un. @param path at most `maxPathBytes` long */
  address(path: string): Buffer;

  /** Each answers 0, or below 0 on failure. */
  bind(fd: number, address: Buffer): number;
  connect(fd: number, address: Buffer): number;
  listen(fd: number, backlog: number): number;

  /** The next connection: non-blocking, closed on exec; below 0 when there is none. */
  accept(fd: number): number;

  /** Offers bytes without waiting and without a signal. @returns how many were taken, or why none */
  send(fd: number, piece: Buffer): number | 'full' | 'gone';

  /** Bytes that wait to be read; 0 when the system does not tell. */
  pending(fd: number): number;

  /** Who is at the other end, as the kernel saw it at connect(2); undefined where it does not tell. */
  peer(fd: number): UnixPeer | undefined;

  /** Takes an exclusive lock on an open file without waiting. */
  lock(fd: number): boolean;

  /** The failure of the call that was made last on this thread. */
  failure(call: string): SystemError;
}
