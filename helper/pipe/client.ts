import { closeSync } from 'node:fs';
import type { Koffi } from '../ffi/koffi.ts';
import type { Libc } from '../ffi/libc.ts';
import { Watch, type Readiness } from '../ffi/watch.ts';
import { SEND_TURN_BYTES } from '../limits.ts';
import type { Backlog } from './backlog.ts';
import type { Peer } from './peer.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const FIONREAD = 0x541b;

/** Why a client is gone: it left, it wrote to us, or the backlog's end overtook it. */
export type ClientEnd = 'left' | 'wrote' | 'overtaken';

/**
 * One connection: a position in the backlog. Bytes go from the backlog straight
 * into the socket; what the socket does not take stays where it is.
 */
export class Client {
  readonly peer: Peer;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #backlog: Backlog;
  readonly #ended: (end: ClientEnd) => void;
  readonly #watch: Watch;
  #position: number;
  /** A line that is not in the backlog (hello, heartbeat), as far as it is not sent. */
  #control: Buffer | undefined;
  #waiting = false;
  #closed = false;

  /** @param fd connected and non-blocking; owned by this client from here on */
  constructor(koffi: Koffi, libc: Libc, fd: number, peer: Peer, backlog: Backlog, ended: (end: ClientEnd) => void) {
    this.peer = peer;
    this.#libc = libc;
    this.#fd = fd;
    this.#backlog = backlog;
    this.#ended = ended;
    this.#position = backlog.tail;
    this.#watch = new Watch(koffi, fd, { readable: true, disconnect: true }, (readiness) => this.#onReady(readiness));
  }

  /** Bytes of the backlog that it does not have yet. */
  get behind(): number {
    return this.#backlog.head - this.#position;
  }

  get upToDate(): boolean {
    return this.#control === undefined && this.#position === this.#backlog.head;
  }

  /** Sends a line of its own as soon as possible, if nothing is left to be sent before it. */
  control(line: Buffer): void {
    const atStart = this.#position === this.#backlog.tail;
    if (this.#closed || this.#control !== undefined || !(atStart || this.upToDate)) return;
    this.#control = line;
    this.pump(line.length);
  }

  /** Sends up to `limit` bytes, or until the socket is full; goes on by itself when it is not any more. */
  pump(limit: number): void {
    if (this.#closed) return;
    if (this.#position < this.#backlog.oldestByte) this.#end('overtaken');
    else if (!this.#waiting) this.#send(limit);
  }

  #send(limit: number): void {
    for (let budget = limit; budget > 0; ) {
      const piece = this.#control ?? this.#backlog.peek(this.#position, budget);
      if (piece.length === 0) return;
      const sent = Number(this.#libc.send(this.#fd, piece, piece.length, MSG_DONTWAIT | MSG_NOSIGNAL));
      if (sent < 0) {
        if (isFull(this.#libc.errno())) this.#wait(true);
        else this.#end('left');
        return;
      }
      budget -= sent;
      if (this.#control === undefined) this.#position += sent;
      else this.#control = sent < piece.length ? piece.subarray(sent) : undefined;
    }
    // More is due than one turn allows: let the loop turn, then go on.
    if (!this.upToDate) this.#wait(true);
  }

  #onReady({ readable, disconnect, failed }: Readiness): void {
    if (this.#closed) return;
    if (readable || disconnect || failed) {
      // Looked at, not read: how many bytes there are tells a writer from one who left.
      const pending = [0];
      const wrote = this.#libc.ioctl(this.#fd, FIONREAD, pending) === 0 && (pending[0] as number) > 0;
      this.#end(wrote ? 'wrote' : 'left');
      return;
    }
    this.#wait(false);
    this.pump(SEND_TURN_BYTES);
  }

  #wait(writable: boolean): void {
    this.#waiting = writable;
    this.#watch.change({ readable: true, disconnect: true, writable });
  }

  #end(end: ClientEnd): void {
    this.#closed = true;
    this.#watch.close();
    closeSync(this.#fd);
    this.#ended(end);
  }
}

/** EAGAIN, or ENOBUFS when the kernel is short of memory: either way, later. */
function isFull(errno: number): boolean {
  return errno === 11 || errno === 105;
}
