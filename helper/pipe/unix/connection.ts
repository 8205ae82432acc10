import { closeSync } from 'node:fs';
import type { Koffi } from '../../ffi/koffi.ts';
import type { Libc } from '../../ffi/libc.ts';
import { Watch, type Readiness } from '../../ffi/watch.ts';
import type { Connection, ConnectionEvents } from '../connection.ts';
import type { UnixPeer } from './peer.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const FIONREAD = 0x541b;

/** A connected Unix stream socket. */
export class UnixConnection implements Connection {
  readonly peer: UnixPeer;
  readonly #koffi: Koffi;
  readonly #libc: Libc;
  readonly #fd: number;
  #watch: Watch | undefined;
  #events: ConnectionEvents | undefined;

  /** @param fd connected and non-blocking; owned by this connection from here on */
  constructor(koffi: Koffi, libc: Libc, fd: number, peer: UnixPeer) {
    this.peer = peer;
    this.#koffi = koffi;
    this.#libc = libc;
    this.#fd = fd;
  }

  begin(events: ConnectionEvents): void {
    this.#events = events;
    this.#watch = new Watch(this.#koffi, this.#fd, { readable: true, disconnect: true }, (readiness) => this.#onReady(readiness));
  }

  send(piece: Buffer): number | 'full' | 'gone' {
    const sent = Number(this.#libc.send(this.#fd, piece, piece.length, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (sent >= 0) return sent;
    return isFull(this.#libc.errno()) ? 'full' : 'gone';
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
      // Looked at, not read: how many bytes there are tells a writer from one who left.
      const pending = [0];
      const wrote = this.#libc.ioctl(this.#fd, FIONREAD, pending) === 0 && (pending[0] as number) > 0;
      this.#events?.onEnd(wrote ? 'wrote' : 'left');
      return;
    }
    this.#watch?.change({ readable: true, disconnect: true });
    this.#events?.onRoom();
  }
}

/** EAGAIN, or ENOBUFS when the kernel is short of memory: either way, later. */
function isFull(errno: number): boolean {
  return errno === 11 || errno === 105;
}
