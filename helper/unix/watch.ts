import type { Koffi } from '../koffi.ts';

/** What a descriptor became. `failed`: watching it is not possible any more. */
export interface Readiness {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly disconnect: boolean;
  readonly failed: boolean;
}

export type Interest = Partial<Record<'readable' | 'writable' | 'disconnect', boolean>>;

/**
 * Calls back while a descriptor is as asked (level-triggered; libuv's uv_poll_t
 * through the FFI library). Hold on to it: one that nobody holds is collected and
 * stops watching. The descriptor stays the caller's, who closes the watch first.
 */
export class Watch {
  readonly #handle: ReturnType<Koffi['node']['poll']>;
  readonly #callback: (readiness: Readiness) => void;

  constructor(koffi: Koffi, fd: number, interest: Interest, callback: (readiness: Readiness) => void) {
    this.#callback = callback;
    this.#handle = koffi.node.poll(fd, interest, this.#onPoll);
  }

  /** Replaces what is waited for. */
  change(interest: Interest): void {
    this.#handle.start(interest, this.#onPoll);
  }

  /** Waits for nothing until `change` is called. */
  pause(): void {
    this.#handle.stop();
  }

  close(): void {
    this.#handle.close();
  }

  // The library's declared type has one argument; what it passes is libuv's status, then the events.
  readonly #onPoll = (...args: unknown[]): void => {
    const [status, events] = args as [number, Omit<Readiness, 'failed'>];
    this.#callback({ ...events, failed: status < 0 });
  };
}

/** Calls `callback` once, as soon as there is something to read. */
export type ReadableOnce = (callback: () => void) => void;

/** That, for a descriptor. */
export function readableOnce(koffi: Koffi, fd: number): ReadableOnce {
  let watch: Watch | undefined;
  let waiting: () => void;
  const ready = (): void => {
    watch?.pause();
    waiting();
  };
  return (callback) => {
    waiting = callback;
    if (watch === undefined) watch = new Watch(koffi, fd, { readable: true }, ready);
    else watch.change({ readable: true });
  };
}
