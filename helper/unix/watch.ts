import type { Koffi } from '../koffi.ts';

/** The state of a descriptor. `failed`: it cannot be watched any more. */
export interface Readiness {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly disconnect: boolean;
  readonly failed: boolean;
}

export type Interest = Partial<Record<'readable' | 'writable' | 'disconnect', boolean>>;

/**
 * Calls back while a descriptor is in a requested state (level-triggered; libuv's uv_poll_t through the FFI library).
 * Keep a reference: an unreferenced watch is garbage-collected and stops. The descriptor stays the caller's, who must
 * close the watch first.
 */
export class Watch {
  readonly #handle: ReturnType<Koffi['node']['poll']>;
  readonly #callback: (readiness: Readiness) => void;

  constructor(koffi: Koffi, fd: number, interest: Interest, callback: (readiness: Readiness) => void) {
    this.#callback = callback;
    this.#handle = koffi.node.poll(fd, interest, this.#onPoll);
  }

  /** Replaces the states that it waits for. */
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

  // The library declares one argument, but passes libuv's status, then the events.
  readonly #onPoll = (...args: unknown[]): void => {
    const [status, events] = args as [number, Omit<Readiness, 'failed'>];
    this.#callback({ ...events, failed: status < 0 });
  };
}

/** Calls `callback` once, as soon as there is something to read. */
export type ReadableOnce = (callback: () => void) => void;

/** The same, for a descriptor. */
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
