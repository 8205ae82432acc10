import { constants, type Stats } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { reasonOf, systemCode } from '../../errors.ts';
import { writeAll } from '../descriptor.ts';
import { WriteError } from '../output.ts';

/** Command lines hold secrets: nobody but the agent's user reads them. */
const FILE_MODE = 0o600;
const NEWLINE = 10;

/** How often to look whether someone moved the file away, in milliseconds. */
const MOVED_CHECK_MS = 1000;

export interface RotatingFileOptions {
  path: string;
  /** A line that would take the file beyond this goes to the next one. */
  maxBytes: number;
  /** Files kept, the current one included. */
  maxFiles: number;
}

/**
 * A file of lines that is appended to and rotated by size: PATH, PATH.1
 * (newest) and so on. Never leaves part of a line behind: lines do not cross a
 * rotation, and what a failed write left of one is cut off again.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #handle: FileHandle | undefined;
  #size = 0;
  #checkedAt = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  /** Opens or makes the file. @throws an error that names the path and says what to do */
  async open(): Promise<void> {
    const { path } = this.#options;
    try {
      await this.#openFile();
    } catch (error) {
      throw new Error(`cannot open ${path}: ${openingAdvice(error)}`, { cause: error });
    }
  }

  async #openFile(): Promise<void> {
    // Non-blocking, so that a FIFO of that name is refused below instead of waited on.
    const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR } = constants;
    const handle = await open(this.#options.path, O_APPEND | O_CREAT | O_NONBLOCK | O_RDWR, FILE_MODE);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error('it is not a regular file');
      if ((stats.mode & 0o777) !== FILE_MODE) await handle.chmod(FILE_MODE);
      this.#size = stats.size;
      if (await endsInsideLine(handle, stats.size)) this.#size += await endLine(handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#handle = handle;
    this.#checkedAt = performance.now();
  }

  /**
   * Appends whole lines.
   * @param lines without their newlines
   * @throws {WriteError} with the number of lines that are in the file
   */
  async append(lines: readonly string[]): Promise<void> {
    let taken = 0;
    try {
      await this.#followMove();
      while (taken < lines.length) {
        const part = this.#nextPart(lines, taken);
        if (part.count === 0) await this.#rotate();
        else taken += await this.#appendPart(part.data, part.count);
      }
    } catch (error) {
      throw new WriteError(`cannot write ${this.#options.path}: ${reasonOf(error)}`, taken, { cause: error });
    }
  }

  /** The lines from `from` on that still fit the current file; none when it is full. */
  #nextPart(lines: readonly string[], from: number): { data: Buffer; count: number } {
    const all = from === 0 ? lines : lines.slice(from);
    const data = Buffer.from(`${all.join('\n')}\n`);
    const room = this.#options.maxBytes - this.#size;
    if (data.length <= room) return { data, count: all.length };
    let count = 0;
    let end = 0;
    for (let next = data.indexOf(NEWLINE); next !== -1 && next + 1 <= room; next = data.indexOf(NEWLINE, end)) {
      end = next + 1;
      count++;
    }
    // A line longer than any file may be gets a file of its own.
    if (count === 0 && this.#size === 0) return { data: data.subarray(0, data.indexOf(NEWLINE) + 1), count: 1 };
    return { data: data.subarray(0, end), count };
  }

  async #appendPart(data: Buffer, count: number): Promise<number> {
    const handle = this.#handle;
    if (handle === undefined) throw new Error('the file is not open');
    const { written, error } = await writeAll(handle.fd, data);
    if (error === undefined) {
      this.#size += written;
      return count;
    }
    await handle.truncate(this.#size).catch(() => undefined);
    throw error;
  }

  /** Moves every file one number up and begins a new one. The old handle stays in use if that fails. */
  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#options;
    await this.#handle?.datasync();
    if (maxFiles === 1) await rm(path, { force: true });
    for (let number = maxFiles - 1; number >= 1; number--) {
      await renameIfThere(number === 1 ? path : `${path}.${number - 1}`, `${path}.${number}`);
    }
    const old = this.#handle;
    await this.#openFile();
    await old?.close();
  }

  /** Opens the path again when something else (logrotate, an administrator) moved or removed the file. */
  async #followMove(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined || performance.now() - this.#checkedAt < MOVED_CHECK_MS) return;
    this.#checkedAt = performance.now();
    const [here, there] = await Promise.all([handle.stat(), statIfThere(this.#options.path)]);
    if (there !== undefined && there.ino === here.ino && there.dev === here.dev) {
      this.#size = here.size;
      return;
    }
    await this.#openFile();
    await handle.close();
  }

  /** Resolves when every line appended so far is on the disk. */
  async sync(): Promise<void> {
    await this.#handle?.datasync();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

/** A file can end inside a line after a crash of the machine; what follows must not be glued to it. */
async function endsInsideLine(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await handle.read(last, 0, 1, size - 1);
  return last[0] !== NEWLINE;
}

async function endLine(handle: FileHandle): Promise<number> {
  const { written, error } = await writeAll(handle.fd, Buffer.from('\n'));
  if (error !== undefined) throw error;
  return written;
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function openingAdvice(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return 'its folder does not exist; make it, writable for the agent\'s user';
    case 'EACCES':
      return 'permission denied; the agent\'s user must be able to write the folder and the file';
    case 'EPERM':
      return 'it belongs to another user, so its mode cannot be made 0600; remove it or give it to the agent\'s user';
    case 'EISDIR':
      return 'it is a folder; name a file';
    case 'EROFS':
      return 'the file system is read-only; name a file elsewhere';
    default:
      return reasonOf(error);
  }
}
