import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { reasonOf, systemCode } from '../../errors.ts';
import { NO_NUMBER } from '../../events/item.ts';
import type { Position } from '../../events/position.ts';
import type { Batch, Bookmark } from '../output.ts';
import { loadState, saveState, statePathOf, type FileState } from './state-file.ts';
import type { SealState } from '../../events/seal-state.ts';
import { sealStateOf } from './seals.ts';
import { lastNumberIn } from './tail.ts';

export interface FileBookmarkOptions {
  /** The file that is open. */
  file: () => FileNow;
  /** The file may hold events of this boot, and it cannot be told which. */
  onUnknown(reason: string): void;
  /** The state could not be written: after a restart, the file will get events a second time. */
  onNotKept(reason: string): void;
}

/** A file as it is now. */
export interface FileNow {
  handle: FileHandle;
  inode: number;
  size: number;
}

/**
 * How far a log file got. The file itself says it: its last line has a number. Lines do not say which boot the number
 * is of. A small file beside it (`state-file.ts`) says that, and from where in which file on it holds. It is written
 * when a file or a boot begins, and now and then while events pass that are in no line; never for each event.
 *
 * Where anything does not add up there is no position: the file then gets all that the helper holds, some of it perhaps
 * for the second time. A position that is too high would lose events.
 */
export class FileBookmark implements Bookmark {
  readonly #path: string;
  readonly #options: FileBookmarkOptions;
  #state: FileState | undefined;
  #position: Position | undefined;
  #found = false;
  /** Why there is no position; of interest when the boot is the one that the state is of, or when that cannot be known. */
  #doubt: string | undefined;
  /** The boot of the newest lines, as far as the state says so. */
  #begunBootId: string | undefined;
  /** The number of the newest line. */
  #lastLine = NO_NUMBER;

  constructor(path: string, options: FileBookmarkOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Whether we are known to have written a file with this inode last. */
  isOurs(inode: number): boolean {
    return this.#state?.inode === inode;
  }

  /** Reads the state; before the file is opened. */
  async read(): Promise<void> {
    if (this.#found) return;
    const { state, problem } = await loadState(this.#path);
    this.#state = state;
    this.#doubt = problem;
  }

  /** Finds the position, once: afterwards what is known here is newer than what a file could tell. */
  async load(): Promise<Position | undefined> {
    if (!this.#found) {
      this.#found = true;
      await this.#find(this.#options.file());
    }
    return this.#position;
  }

  /** Reads it from the file's newest lines. */
  loadSeals(): Promise<SealState | undefined> {
    return sealStateOf(this.#path, this.#options.file());
  }

  async #find(file: FileNow): Promise<void> {
    const state = this.#state;
    if (state === undefined) {
      if (file.size > 0) this.#doubt ??= `there is no ${statePathOf(this.#path)}`;
      return;
    }
    let last: number | undefined;
    if (file.inode === state.inode) last = await lastOf(state, file.handle, file.size);
    else if (file.size === 0) last = await this.#lastOfRotated(state);
    else this.#doubt = `${this.#path} is not the file that was written before`;
    if (last !== undefined) this.#position = { bootId: state.boot_id, last };
  }

  /** An empty file was begun, and nothing written to it: the one before it knows. */
  async #lastOfRotated(state: FileState): Promise<number | undefined> {
    const before = `${this.#path}.1`;
    let handle: FileHandle | undefined;
    try {
      handle = await open(before, constants.O_RDONLY | constants.O_NONBLOCK);
      const { ino, size } = await handle.stat();
      if (ino === state.inode) return await lastOf(state, handle, size);
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    } finally {
      await handle?.close();
    }
    this.#doubt = `${this.#path} is empty, and what was written before is not in ${before}`;
    return undefined;
  }

  /**
   * These lines are written next. Must be told before: a killed agent would else leave lines whose boot nobody knows.
   * @returns undefined where there is nothing to wait for
   */
  follows({ bootId, first, last }: Pick<Batch, 'bootId' | 'first' | 'last'>): Promise<void> | undefined {
    if (last !== NO_NUMBER) this.#lastLine = last;
    return bootId === undefined || bootId === this.#begunBootId ? undefined : this.#begin(bootId, first);
  }

  async #begin(bootId: string, first: number): Promise<void> {
    this.#begunBootId = bootId;
    const state = this.#begun(bootId, first, this.#options.file());
    if (state !== this.#state) await this.#put(state);
  }

  /** The file is closed, and what is there when it is opened again need not be what was. */
  fileClosed(): void {
    this.#begunBootId = undefined;
  }

  #begun(bootId: string, first: number, file: FileNow): FileState {
    const state = this.#state;
    if (this.#doubt !== undefined && (state === undefined || state.boot_id === bootId))
      this.#options.onUnknown(this.#doubt);
    this.#doubt = undefined;
    if (state?.boot_id !== bootId || (this.#position !== undefined && this.#position.last >= first)) {
      // Nothing of this boot is there; or what is written begins below the position, which was then not believed.
      this.#position = undefined;
      return stateOf(bootId, file, undefined);
    }
    return state.inode !== file.inode || file.size < state.from ? stateOf(bootId, file, this.#position?.last) : state;
  }

  /** Writes the state only where the last line of the file does not say as much. */
  commit({ bootId, last }: Position): Promise<void> | undefined {
    return bootId === this.#begunBootId && last <= this.#lastLine ? undefined : this.#reach(bootId, last);
  }

  async #reach(bootId: string, last: number): Promise<void> {
    const file = this.#options.file();
    await this.#put({ ...this.#begun(bootId, last + 1, file), reached: { last, size: file.size } });
  }

  /** `next` takes the place of a file that will not be written any more. */
  async fileReplaced(old: FileNow, next: FileNow): Promise<void> {
    const state = this.#state;
    if (state === undefined) return;
    const last = old.inode === state.inode ? await lastOf(state, old.handle, old.size) : state.after;
    await this.#put(stateOf(state.boot_id, next, last));
  }

  async #put(state: FileState): Promise<void> {
    this.#state = state;
    try {
      await saveState(this.#path, state);
    } catch (error) {
      this.#options.onNotKept(reasonOf(error));
    }
  }
}

/** Of a file to which nothing of the boot is written yet. */
function stateOf(bootId: string, { inode, size }: FileNow, after: number | undefined): FileState {
  return { boot_id: bootId, inode, from: size, ...(after === undefined ? {} : { after }) };
}

/** The number up to which a file of `size` bytes has everything: what its lines say, or the state, whichever is more. */
async function lastOf(state: FileState, handle: FileHandle, size: number): Promise<number | undefined> {
  const written = (await lastNumberIn(handle, state.from, size)) ?? state.after;
  const { reached } = state;
  // A file that has become shorter has lost lines since.
  return reached === undefined || size < reached.size ? written : Math.max(written ?? reached.last, reached.last);
}
