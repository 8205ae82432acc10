import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';

// Non-blocking, so that a FIFO of that name is refused instead of waited on.
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

export interface ReadOptions {
  /** The largest file that is read, in bytes. */
  maxBytes: number;
  /** Whether a symbolic link is refused (ELOOP). */
  noFollow?: boolean;
}

/**
 * Reads a small regular file.
 * @throws the system's error, or one that says that it is not a regular file, or too large
 */
export async function readBounded(path: string, { maxBytes, noFollow = false }: ReadOptions): Promise<Buffer> {
  const handle = await open(path, flags(noFollow));
  try {
    const content = new Content(await handle.stat(), maxBytes);
    while (content.take((await handle.read(content.room())).bytesRead)) continue;
    return content.bytes();
  } finally {
    await handle.close();
  }
}

/** The same, while nothing else happens. */
export function readBoundedSync(path: string, { maxBytes, noFollow = false }: ReadOptions): Buffer {
  const descriptor = openSync(path, flags(noFollow));
  try {
    const content = new Content(fstatSync(descriptor), maxBytes);
    while (content.take(readSync(descriptor, content.room()))) continue;
    return content.bytes();
  } finally {
    closeSync(descriptor);
  }
}

function flags(noFollow: boolean): number {
  return noFollow ? READ | (constants.O_NOFOLLOW ?? 0) : READ;
}

/** Read at once, where the size says nothing. */
const CHUNK = 65_536;

/** The bytes read so far. The size in a file's status is no bound: files in /proc say 0, and others grow while they are read. */
class Content {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #room: Buffer;
  #length = 0;

  constructor(stats: { isFile(): boolean; size: number }, maxBytes: number) {
    const { size } = stats;
    if (!stats.isFile()) throw new Error('not a regular file');
    if (size > maxBytes) throw new Error(`${size} bytes long; at most ${maxBytes} are read`);
    this.#maxBytes = maxBytes;
    this.#room = Buffer.allocUnsafe(size === 0 ? CHUNK : size);
  }

  /** Where the next bytes go. */
  room(): Buffer {
    return this.#room;
  }

  /** @returns whether there may be more */
  take(bytes: number): boolean {
    if (bytes === 0) return false;
    this.#chunks.push(this.#room.subarray(0, bytes));
    this.#length += bytes;
    if (this.#length > this.#maxBytes) throw new Error(`longer than the ${this.#maxBytes} bytes that are read at most`);
    this.#room = bytes < this.#room.length ? this.#room.subarray(bytes) : Buffer.allocUnsafe(CHUNK);
    return true;
  }

  bytes(): Buffer {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length);
  }
}
