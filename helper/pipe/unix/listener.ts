import { closeSync } from 'node:fs';
import type { Koffi } from '../../ffi/koffi.ts';
import type { Libc } from '../../ffi/libc.ts';
import { Watch } from '../../ffi/watch.ts';
import type { Connection, Listener } from '../connection.ts';
import { UnixConnection } from './connection.ts';
import { peerOf, type PeerPolicy } from './peer.ts';

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Accepts from a listening socket whom the policy lets in. */
export class UnixListener implements Listener {
  readonly #koffi: Koffi;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #policy: PeerPolicy;
  #watch: Watch | undefined;

  /** @param fd a listening socket; owned by this listener from here on */
  constructor(koffi: Koffi, libc: Libc, fd: number, policy: PeerPolicy) {
    this.#koffi = koffi;
    this.#libc = libc;
    this.#fd = fd;
    this.#policy = policy;
  }

  begin(onReady: () => void): void {
    this.#watch = new Watch(this.#koffi, this.#fd, { readable: true }, onReady);
  }

  accept(): Connection | 'refused' | undefined {
    const fd = this.#libc.accept4(this.#fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return undefined;
    const peer = peerOf(this.#libc, fd);
    if (peer !== undefined && this.#policy(peer)) return new UnixConnection(this.#koffi, this.#libc, fd, peer);
    closeSync(fd);
    return 'refused';
  }

  close(): void {
    this.#watch?.close();
    closeSync(this.#fd);
  }
}
