import { HelperError } from '../../errors.ts';
import { isHandle, type Handle, type Windows } from '../functions.ts';
import { MAX_CLIENTS } from '../../limits.ts';
import { PIPE_BUFFER_BYTES } from '../limits.ts';

const PIPE_ACCESS_OUTBOUND = 2;
const FILE_FLAG_OVERLAPPED = 0x4000_0000;
const FILE_FLAG_FIRST_PIPE_INSTANCE = 0x0008_0000;
/** Bytes, not messages; only clients of this machine. */
const PIPE_TYPE_BYTE = 0;
const PIPE_REJECT_REMOTE_CLIENTS = 8;

const STATUS_PENDING = 0x103;

export const ERROR = { ACCESS_DENIED: 5, PIPE_BUSY: 231, NO_DATA: 232, PIPE_CONNECTED: 535, IO_PENDING: 997 } as const;

/**
 * Makes another instance of the pipe, for another client. It is outbound: Windows lets no client write to it.
 * @param first whether the name must not exist yet; otherwise we would join another program's pipe
 * @throws {HelperError}
 */
export function createInstance(windows: Windows, name: string, security: Buffer, first: boolean): Handle {
  const open = PIPE_ACCESS_OUTBOUND | FILE_FLAG_OVERLAPPED | (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0);
  const mode = PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS;
  const handle = windows.CreateNamedPipeW(name, open, mode, MAX_CLIENTS, PIPE_BUFFER_BYTES, 0, 0, security) as Handle;
  if (isHandle(handle)) return handle;
  const failure = windows.failure('CreateNamedPipe');
  if (first && (failure.status === ERROR.ACCESS_DENIED || failure.status === ERROR.PIPE_BUSY)) {
    throw new HelperError(
      'HELPER_SOCKET_IN_USE',
      `another program serves ${name}. Stop it, or give this helper its own --socket.`,
    );
  }
  throw new HelperError('HELPER_SOCKET', `cannot make ${name}: ${failure.message}`, { cause: failure });
}

/** The OVERLAPPED of a pending operation. Windows writes into it until the operation is complete. */
export class Overlapped {
  readonly address: bigint;
  readonly #bytes = Buffer.alloc(32);
  readonly #windows: Windows;
  readonly #handle: Handle;

  constructor(windows: Windows, handle: Handle) {
    this.#windows = windows;
    this.#handle = handle;
    this.address = windows.address(this.#bytes);
  }

  /** Resets it for another operation; without one, it reports completion. */
  reset(): void {
    this.#bytes.fill(0);
  }

  /** Marks an operation as pending; Windows overwrites that on completion. */
  setPending(): void {
    this.#bytes.fill(0);
    this.#bytes.writeUInt32LE(STATUS_PENDING, 0);
  }

  /** @returns bytes moved, undefined while the operation is pending, `failed` if it ended otherwise */
  result(): number | 'failed' | undefined {
    // Internal, which Windows fills last: this saves a call for each look.
    if (this.#bytes.readUInt32LE(0) === STATUS_PENDING) return undefined;
    const moved = [0];
    return this.#windows.GetOverlappedResult(this.#handle, this.address, moved, false) === true
      ? (moved[0] as number)
      : 'failed';
  }

  /** Cancels the operation and waits until Windows no longer uses the memory. */
  cancel(): void {
    this.#windows.CancelIoEx(this.#handle, this.address);
    this.#windows.GetOverlappedResult(this.#handle, this.address, [0], true);
  }
}
