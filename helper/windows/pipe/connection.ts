import type { Handle, Windows } from '../functions.ts';
import { PIPE_WRITE_BYTES, ROOM_INTERVAL_MS } from '../limits.ts';
import type { Connection, ConnectionEvents, Peer } from '../../pipe/connection.ts';
import { ERROR, Overlapped } from './instance.ts';

/**
 * One client of a named pipe. At most one write is pending. Its bytes count as taken only when Windows reports that it
 * is complete, so no unsent byte counts as sent.
 */
export class PipeConnection implements Connection {
  readonly peer: Peer;
  readonly #windows: Windows;
  readonly #handle: Handle;
  readonly #write: Overlapped;
  /** A copy of the bytes being written, since the backlog may be overwritten meanwhile. */
  readonly #bytes = Buffer.allocUnsafeSlow(PIPE_WRITE_BYTES);
  readonly #address: bigint;
  #writing = false;
  #events: ConnectionEvents | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param handle a connected instance; owned by this connection from here on */
  constructor(windows: Windows, handle: Handle, peer: Peer) {
    this.peer = peer;
    this.#windows = windows;
    this.#handle = handle;
    this.#write = new Overlapped(windows, handle);
    this.#address = windows.address(this.#bytes);
  }

  begin(events: ConnectionEvents): void {
    this.#events = events;
  }

  /** After `full`, the caller must offer the same bytes again. */
  send(piece: Buffer): number | 'full' | 'gone' {
    if (this.#writing) return this.#finish();
    const length = Math.min(piece.length, PIPE_WRITE_BYTES);
    piece.copy(this.#bytes, 0, 0, length);
    this.#write.reset();
    const done = this.#windows.WriteFile(this.#handle, this.#address, length, null, this.#write.address) === true;
    if (!done && this.#windows.lastError() !== ERROR.IO_PENDING) return 'gone';
    this.#writing = true;
    return this.#finish();
  }

  awaitRoom(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#writing && this.#write.result() === undefined) this.awaitRoom();
      else this.#events?.onRoom();
    }, ROOM_INTERVAL_MS);
  }

  close(): void {
    this.#events = undefined;
    clearTimeout(this.#timer);
    if (this.#writing) this.#write.cancel();
    // Written bytes stay readable until the client has read them.
    this.#windows.CloseHandle(this.#handle);
  }

  #finish(): number | 'full' | 'gone' {
    const result = this.#write.result();
    if (result === undefined) return 'full';
    this.#writing = false;
    return result === 'failed' ? 'gone' : result;
  }
}
