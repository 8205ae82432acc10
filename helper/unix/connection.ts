import { closeSync } from 'node:fs';
import type { Koffi } from '../koffi.ts';
import { Watch, type Readiness } from './watch.ts';
import type { Connection, ConnectionEvents } from '../pipe/connection.ts';
import type { UnixPeer } from './peer.ts';
import type { SocketCalls } from './socket-calls.ts';

/** A connected Unix stream socket. */
export class UnixConnection implements Connection {
  readonly peer: UnixPeer;
  readonly #koffi: Koffi;
  readonly #calls: SocketCalls;
  readonly #fd: number;
  #watch: Watch | undefined;
  #events: ConnectionEvents | undefined;

  /** @param fd connected and non-blocking; owned by this connection from here on */
  constructor(koffi: Koffi, calls: SocketCalls, fd: number, peer: UnixPeer) {
    this.peer = peer;
    this.#koffi = koffi;
    this.#calls = calls;
    this.#fd = fd;
  }

  begin(events: ConnectionEvents): void {
    this.#events = events;
    this.#watch = new Watch(this.#koffi, this.#fd, { readable: true, disconnect: true }, (readiness) =>
      this.#onReady(readiness),
    );
  }

  send(piece: Buffer): number | 'full' | 'gone' {
    return this.#calls.send(this.#fd, piece);
  }

  awaitRoom(): void {
    this.#watch?.change({ readable: true, disconnect: true, writable: true });
  }

  close(): void {
    this.#events = undefined;
    this.#watch?.close();
    closeSync(this.#fd);
  }

  #onReady({ readable, disconnect, failed }: Readiness): void {
    if (readable || disconnect || failed) {
      // The number of waiting bytes, without reading them, tells a client that writes from one that left.
      this.#events?.onEnd(this.#calls.pending(this.#fd) > 0 ? 'wrote' : 'left');
      return;
    }
    this.#watch?.change({ readable: true, disconnect: true });
    this.#events?.onRoom();
  }
}
