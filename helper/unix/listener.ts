import { closeSync } from 'node:fs';
import type { Koffi } from '../koffi.ts';
import { Watch } from './watch.ts';
import type { Connection, Listener } from '../pipe/connection.ts';
import { UnixConnection } from './connection.ts';
import type { PeerPolicy } from './peer.ts';
import type { SocketCalls } from './socket-calls.ts';

/** Accepts those clients of a listening socket that the policy allows. */
export class UnixListener implements Listener {
  readonly #koffi: Koffi;
  readonly #calls: SocketCalls;
  readonly #fd: number;
  readonly #policy: PeerPolicy;
  #watch: Watch | undefined;

  /** @param fd a listening socket; owned by this listener from here on */
  constructor(koffi: Koffi, calls: SocketCalls, fd: number, policy: PeerPolicy) {
    this.#koffi = koffi;
    this.#calls = calls;
    this.#fd = fd;
    this.#policy = policy;
  }

  begin(onReady: () => void): void {
    this.#watch = new Watch(this.#koffi, this.#fd, { readable: true }, onReady);
  }

  accept(): Connection | 'refused' | undefined {
    const fd = this.#calls.accept(this.#fd);
    if (fd < 0) return undefined;
    const peer = this.#calls.peer(fd);
    if (peer !== undefined && this.#policy(peer)) return new UnixConnection(this.#koffi, this.#calls, fd, peer);
    closeSync(fd);
    return 'refused';
  }

  close(): void {
    this.#watch?.close();
    closeSync(this.#fd);
  }
}
