import { constants, type Stats } from 'node:fs';
import { lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { reasonOf, systemCode } from '../../errors.ts';
import { writeAll } from '../../files/descriptor.ts';
import type { FileNow } from './bookmark.ts';
import { QuickLook } from './quick-look.ts';
import { RecentLines } from './recent-lines.ts';
import { RotatedFile } from './rotated-file.ts';
import { rotatedNumbers } from './rotated.ts';
import { endOfWholeLines, lastNumberIn, read } from './tail.ts';

/** Command lines hold secrets: nobody but the agent's user reads them. */
const FILE_MODE = 0o600;
const NEWLINE = 10;

/** How often a file may lose its name while one batch is written, before that counts as a failure. */
const MAX_LOSSES = 8;

export interface RotatingFileOptions {
  path: string;
  /** A line that would take the file beyond this goes to the next one. */
  maxBytes: number;
  /** Files kept, the current one included. */
  maxFiles: number;
  /** Whether a file that was there is known to have been written by us. */
  isOurs?: (inode: number) => boolean;
  /** Another file takes the place of the one that was written: rotated, or moved away by somebody. Before its first line. */
  onReplaced?: (old: FileNow, next: FileNow) => Promise<void>;
  /** An unfinished line of so many bytes was cut off the end of the file. */
  onUnfinishedLine?: (bytes: number) => void;
  /**
   * The file was made shorter by somebody. The newest lines were written again, so many bytes of them; `complete` says
   * whether that is all that can have been lost.
   */
  onTruncated?: (rewritten: number, complete: boolean) => void;
  /** Another way to look at the path than the usual, in tests alone. */
  look?: QuickLook;
}

/**
 * A file of lines that is appended to and rotated by size: PATH, PATH.1 (newest) and so on. Never leaves part of a line
 * behind: lines do not cross a rotation, and what a failed write left of one is cut off again.
 *
 * Others may move, compress, replace or remove the file at any time. Lines count as written when the file still has
 * its name after the write. Otherwise whoever took it may have read it before them, and they are written again to the
 * file that has the name now: perhaps twice, never not at all.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #handle: FileHandle | undefined;
  #inode = 0;
  #device = 0;
  #size = 0;
  /** How much of it was written while it had its name. */
  #safeSize = 0;
  /** Whether it became shorter while it was closed: its newest lines are still to be written again. */
  #isCut = false;
  readonly #recent = new RecentLines();
  readonly #rotated = new RotatedFile();
  readonly #look: QuickLook;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#look = options.look ?? new QuickLook(options.path);
  }

  /** The file that is open. */
  get now(): FileNow {
    if (this.#handle === undefined) throw new Error('the file is not open');
    return { handle: this.#handle, inode: this.#inode, size: this.#size };
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
    // A link is refused: who may change it would choose which of our user's files is written, and made 0600.
    const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK, O_RDWR } = constants;
    const flags = O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_RDWR;
    const handle = await open(this.#options.path, flags, FILE_MODE);
    try {
      const stats = await handle.stat();
      requireOwnFile(stats, this.#options.isOurs?.(stats.ino) === true || stats.ino === this.#inode);
      if ((stats.mode & 0o777) !== FILE_MODE) await handle.chmod(FILE_MODE);
      const size = await this.#repairEnd(handle, stats);
      // Another file can have got the inode of one that was closed and removed. It then gets the newest lines of that.
      const isSame = this.#isOpenFile(stats);
      this.#isCut = isSame && (this.#isCut || stats.size < this.#size);
      if (!isSame) this.#recent.forget();
      this.#size = size;
      this.#safeSize = size;
      this.#inode = stats.ino;
      this.#device = stats.dev;
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#handle = handle;
    await this.#look.renew(true);
  }

  /**
   * A process that is killed, a machine that crashes, or somebody who makes the file shorter can leave a part of a line at
   * its end. It must not be glued to the next one. Of our own files it is cut off, since its event is replayed; a
   * stranger's gets a newline.
   * @returns the size of the file
   */
  async #repairEnd(handle: FileHandle, { ino, size }: Stats): Promise<number> {
    const whole = await endOfWholeLines(handle, size);
    if (whole === size) return size;
    const { isOurs, onUnfinishedLine } = this.#options;
    if (isOurs?.(ino) === true || (await lastNumberIn(handle, 0, whole)) !== undefined) {
      await handle.truncate(whole);
      onUnfinishedLine?.(size - whole);
      return whole;
    }
    return this.#endLine(handle, size);
  }

  /**
   * Appends whole lines, each with its newline. Never rejects.
   * @returns how many bytes of them, a number of whole lines, are in the file; and why not all, where that is so
   */
  async append(lines: Buffer): Promise<{ written: number; error?: Error }> {
    let taken = 0;
    let losses = 0;
    try {
      while (taken < lines.length) {
        if (!this.#isInPlace()) await this.#followMove();
        const end = this.#endOfFitting(lines, taken);
        if (end === taken) {
          await this.#rotate();
          continue;
        }
        const part = lines.subarray(taken, end);
        await this.#write(part);
        if (!this.#isInPlace() && (await this.#followMove())) {
          if (++losses === MAX_LOSSES) throw new Error('it loses its name again and again');
          continue;
        }
        this.#safeSize = this.#size;
        this.#recent.add(part);
        taken = end;
      }
    } catch (error) {
      return {
        written: taken,
        error: new Error(`cannot write ${this.#options.path}: ${reasonOf(error)}`, { cause: error }),
      };
    }
    return { written: taken };
  }

  /** Where the lines that begin at `from` and still fit the current file end: at `from`, when it is full. */
  #endOfFitting(lines: Buffer, from: number): number {
    const room = this.#options.maxBytes - this.#size;
    if (lines.length - from <= room) return lines.length;
    const end = room <= 0 ? from : lines.lastIndexOf(NEWLINE, from + room - 1) + 1;
    if (end > from) return end;
    // A line longer than any file may be gets a file of its own.
    return this.#size === 0 ? lines.indexOf(NEWLINE, from) + 1 : from;
  }

  async #write(lines: Buffer): Promise<void> {
    const { handle } = this.now;
    const { written, error } = await writeAll(handle.fd, lines);
    if (error === undefined) {
      this.#size += written;
      return;
    }
    await cutTo(handle, this.#size).catch(() => undefined);
    throw error;
  }

  /** Moves every file one number up and begins a new one. The old handle stays in use if that fails. */
  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#options;
    // One that is on its way to the disk at a time: so no more is lost when the power fails.
    await this.#rotated.settled();
    // Somebody else's file may have the name by now: it is not ours to move.
    if (await this.#followMove()) return;
    if (maxFiles === 1) await rm(path, { force: true });
    else
      for (const number of await this.#numbersToMove()) {
        const to = `${path}.${number + 1}`;
        // The last one is given up. Any other has moved away by now: one that is there again came in between.
        if (number + 2 < maxFiles && (await statIfThere(to)) !== undefined) throw new Error(`${to} is in the way`);
        await rename(number === 0 ? path : `${path}.${number}`, to);
      }
    this.#rotated.take(await this.#openAnew(this.now));
  }

  /** The numbers of the files that move one up, the highest first; 0 is the current one. The last that is kept is overwritten. */
  async #numbersToMove(): Promise<number[]> {
    const { path, maxFiles } = this.#options;
    const isThere = (await statIfThere(path)) !== undefined;
    const numbers = [...(isThere ? [0] : []), ...(await rotatedNumbers(path))];
    return numbers.filter((number) => number + 1 < maxFiles).reverse();
  }

  /** Goes over to what now has the path. */
  async #replace(old: FileNow): Promise<void> {
    await (await this.#openAnew(old)).close();
  }

  /** The same. @returns the old handle, for the caller to close */
  async #openAnew(old: FileNow): Promise<FileHandle> {
    await this.#openFile();
    await this.#options.onReplaced?.(old, this.now);
    return old.handle;
  }

  /**
   * Opens the path again when the file does not have that name any more: logrotate or an administrator moved, replaced or
   * removed it, or its folder, or something was mounted over it. Writes the newest lines again when it was emptied, or made
   * shorter. Ends a line that somebody else has begun.
   * @returns whether any of it was so; what was written since the last look is then not safe
   */
  async #followMove(): Promise<boolean> {
    await this.#look.renew();
    const { handle, inode } = this.now;
    const there = await statIfThere(this.#options.path);
    if (!this.#isOpenFile(there)) {
      await this.#replace({ handle, inode, size: this.#safeSize });
      return true;
    }
    if (there.size < this.#size || this.#isCut) {
      await this.#restore(there);
      return true;
    }
    if (there.size > this.#size) this.#size = await this.#endLine(handle, there.size);
    return false;
  }

  /** Ends a line that somebody else did not finish, or ours would be glued to it. @returns the size of the file */
  async #endLine(handle: FileHandle, size: number): Promise<number> {
    const [last] = await read(handle, size - 1, size);
    if (last === undefined || last === NEWLINE) return size;
    const { written, error } = await writeAll(handle.fd, Buffer.of(NEWLINE));
    if (error !== undefined) throw error;
    return size + written;
  }

  /** Whether the file has its name and ends where we left it, as far as that can be seen at once. Nearly always. */
  #isInPlace(): boolean {
    const there = this.#look.now();
    return this.#isOpenFile(there) && there.size === this.#size && !this.#isCut;
  }

  /** Whether it is the file that is written, or was when it was closed. While it is open, no other one gets its inode. */
  #isOpenFile(there: Stats | undefined): there is Stats {
    return there?.ino === this.#inode && there.dev === this.#device;
  }

  /** The file was made shorter: lines that were written while somebody copied it are in no copy. */
  async #restore(there: Stats): Promise<void> {
    this.#size = await this.#repairEnd(this.now.handle, there);
    this.#isCut = false;
    this.#safeSize = this.#size;
    const { lines, complete } = this.#recent.take();
    let rewritten = 0;
    try {
      if (lines.length > 0) {
        await this.#write(lines);
        this.#recent.add(lines);
      }
      rewritten = lines.length;
      this.#safeSize = this.#size;
    } finally {
      this.#options.onTruncated?.(rewritten, complete && rewritten === lines.length);
    }
  }

  /** Resolves when every line appended so far is on the disk. */
  async sync(): Promise<void> {
    await this.#rotated.settled();
    await this.#handle?.datasync();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await this.#rotated.settled().catch(() => undefined);
    await handle?.close();
  }
}

const OTHERS_FILE = "it belongs to another user; remove it or give it to the agent's user";

/** Makes a file shorter, never longer: somebody else may have emptied it. */
async function cutTo(handle: FileHandle, size: number): Promise<void> {
  if ((await handle.stat()).size > size) await handle.truncate(size);
}

/** Not following a link: the file itself has to be there. */
async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * @param written whether we have written it before
 * @throws where somebody else may have chosen which file this is
 */
function requireOwnFile(stats: Stats, written: boolean): void {
  if (!stats.isFile()) throw new Error('it is not a regular file');
  const uid = process.geteuid?.();
  if (uid !== undefined && stats.uid !== uid) throw new Error(OTHERS_FILE);
  // A backup may give our own file a second name; a file that already has two was not made for us.
  if (stats.nlink > 1 && !written)
    throw new Error('it has a second name (a hard link); remove it or name another file');
}

function openingAdvice(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return "its folder does not exist; make it, writable for the agent's user";
    case 'EACCES':
      return "permission denied; the agent's user must be able to write the folder and the file";
    case 'EPERM':
      return OTHERS_FILE;
    case 'ELOOP':
      return 'it is a symbolic link, and whoever may change that could choose what is written; name the file itself';
    case 'EISDIR':
      return 'it is a folder; name a file';
    case 'EROFS':
      return 'the file system is read-only; name a file elsewhere';
    default:
      return reasonOf(error);
  }
}
