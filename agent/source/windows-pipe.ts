import { AgentError } from '../errors.ts';
import type { ConnectionHandlers, SourceConnection } from './connection.ts';
import { windowsFunctions } from '../windows/functions.ts';

const GENERIC_READ = 0x8000_0000;
const OPEN_EXISTING = 3;
const FILE_FLAG_OVERLAPPED = 0x4000_0000;
/** Without a level, this means SECURITY_ANONYMOUS: the server of the pipe cannot act in our name. */
const SECURITY_SQOS_PRESENT = 0x0010_0000;
const SE_KERNEL_OBJECT = 6;
const OWNER_SECURITY_INFORMATION = 1;
const STATUS_PENDING = 0x103;
const ERROR_IO_PENDING = 997;
/** For the FFI library: a string that ends at its NUL. */
const UP_TO_NUL = -1;

/** Errors of opening a pipe, by the names that Node.js uses. */
const CODES: ReadonlyMap<number, string> = new Map([
  [2, 'ENOENT'],
  [5, 'EACCES'],
  [231, 'EBUSY'],
]);

/** Milliseconds between two checks for a finished read. The helper's own delay is longer. */
const LOOK_INTERVAL_MS = 10;

/** Reads before the rest of the agent has its turn. */
const READS_AT_ONCE = 8;

/**
 * Opens the helper's pipe for reading, and checks the owner on the handle that it
 * reads from. Another user could create a pipe of this name first, but could not
 * make SYSTEM or the administrators its owner.
 * @param owners SIDs that may own it
 * @param room gives the memory for each read; called before it
 * @throws {AgentError} HELPER_SOCKET_UNSAFE; an error with the code ENOENT, EACCES or EBUSY when it cannot be opened
 */
export function openPipe(
  path: string,
  owners: readonly string[],
  room: () => Buffer,
  handlers: ConnectionHandlers,
): SourceConnection {
  const windows = windowsFunctions();
  const handle = Number(
    windows.CreateFileW(path, GENERIC_READ, 0, null, OPEN_EXISTING, FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT, 0),
  );
  if (handle === -1) {
    const status = windows.lastError();
    throw Object.assign(new Error(`cannot open ${path}: Windows error ${status}`), {
      code: CODES.get(status) ?? 'EIO',
    });
  }
  const owner = ownerOf(handle);
  if (owner !== undefined && owners.includes(owner)) return new PipeConnection(handle, room, handlers);
  windows.CloseHandle(handle);
  throw new AgentError(
    'HELPER_SOCKET_UNSAFE',
    `${path} belongs to ${owner ?? 'nobody known'}, not to SYSTEM or the administrators. Only the helper may provide events: find out which program created it.`,
  );
}

/** One read is always pending; Windows fills its memory in the background. */
class PipeConnection implements SourceConnection {
  readonly #windows = windowsFunctions();
  readonly #handle: number;
  readonly #room: () => Buffer;
  /** Of the pending read. */
  #memory: Buffer = Buffer.alloc(0);
  readonly #handlers: ConnectionHandlers;
  readonly #overlapped = Buffer.alloc(32);
  readonly #timer: NodeJS.Timeout;
  #reading = false;
  #paused = false;
  #closed = false;

  constructor(handle: number, room: () => Buffer, handlers: ConnectionHandlers) {
    this.#handle = handle;
    this.#room = room;
    this.#handlers = handlers;
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
  }

  resume(): void {
    this.#paused = false;
    this.#look();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    const windows = this.#windows;
    if (this.#reading) {
      windows.CancelIoEx(this.#handle, this.#address);
      // Windows may write to the memory until this returns.
      windows.GetOverlappedResult(this.#handle, this.#address, [0], true);
    }
    windows.CloseHandle(this.#handle);
    setImmediate(() => this.#handlers.onClose());
  }

  get #address(): bigint {
    return BigInt(this.#windows.ffi.address(this.#overlapped));
  }

  #look(): void {
    for (let reads = 0; reads < READS_AT_ONCE && !this.#paused && !this.#closed; reads++) {
      if (!this.#reading && !this.#begin()) return;
      const bytes = this.#result();
      if (bytes === undefined) return;
      this.#reading = false;
      if (bytes === 0) return this.destroy();
      this.#paused = !this.#handlers.onBytes(bytes);
    }
  }

  /** @returns whether a read is pending */
  #begin(): boolean {
    this.#overlapped.fill(0);
    this.#memory = this.#room();
    const memory = BigInt(this.#windows.ffi.address(this.#memory));
    const done = this.#windows.ReadFile(this.#handle, memory, this.#memory.length, null, this.#address) === true;
    this.#reading = done || this.#windows.lastError() === ERROR_IO_PENDING;
    // Broken pipe: the helper has ended.
    if (!this.#reading) this.destroy();
    return this.#reading;
  }

  /** @returns the number of bytes read; 0 at the end; undefined while the read is pending */
  #result(): number | undefined {
    if (this.#overlapped.readUInt32LE(0) === STATUS_PENDING) return undefined;
    const bytes = [0];
    return this.#windows.GetOverlappedResult(this.#handle, this.#address, bytes, false) === true ? bytes[0] : 0;
  }
}

function ownerOf(handle: number): string | undefined {
  const windows = windowsFunctions();
  const owner: bigint[] = [0n];
  const descriptor: bigint[] = [0n];
  if (
    windows.GetSecurityInfo(
      handle,
      SE_KERNEL_OBJECT,
      OWNER_SECURITY_INFORMATION,
      owner,
      null,
      null,
      null,
      descriptor,
    ) !== 0
  )
    return undefined;
  const text: bigint[] = [0n];
  const converted = windows.ConvertSidToStringSidW(owner[0], text) === true;
  windows.LocalFree(descriptor[0]);
  if (!converted) return undefined;
  const sid = windows.ffi.decode(text[0], 'char16_t', UP_TO_NUL) as string;
  windows.LocalFree(text[0]);
  return sid;
}
