import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
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
    check(await handle.stat(), maxBytes);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** The same, while nothing else happens. */
export function readBoundedSync(path: string, { maxBytes, noFollow = false }: ReadOptions): Buffer {
  const descriptor = openSync(path, flags(noFollow));
  try {
    check(fstatSync(descriptor), maxBytes);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function flags(noFollow: boolean): number {
  return noFollow ? READ | (constants.O_NOFOLLOW ?? 0) : READ;
}

function check(stats: { isFile(): boolean; size: number }, maxBytes: number): void {
  if (!stats.isFile()) throw new Error('not a regular file');
  if (stats.size > maxBytes) throw new Error(`${stats.size} bytes long; at most ${maxBytes} are read`);
}
