import {
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The worst disk that a folder may lie on: it keeps the bytes that were forced to it and the names of a folder that was,
 * and no others, and what was there from the start; but a file that is removed is gone at once. Linux tells by its descriptor what is forced. Forcing costs
 * nothing here.
 */
export class WorstDisk implements Disposable {
  readonly #folder: string;
  /** By file, whatever its name. */
  readonly #bytes = new Map<string, Buffer>();
  #names = new Set<string>();
  readonly #prototype: FileHandle;
  readonly #own: Pick<FileHandle, 'sync' | 'datasync'>;

  static async under(folder: string): Promise<WorstDisk> {
    const handle = await open(import.meta.filename);
    await handle.close();
    return new WorstDisk(folder, Object.getPrototypeOf(handle) as FileHandle);
  }

  private constructor(folder: string, prototype: FileHandle) {
    this.#folder = folder;
    this.#prototype = prototype;
    if (existsSync(folder)) {
      this.#keep(folder);
      for (const name of this.#names) this.#keep(join(folder, name));
    }
    const { sync, datasync } = prototype;
    this.#own = { sync, datasync };
    const force = (other: () => Promise<void>) => {
      const keep = (path: string): boolean => this.#keep(path);
      return async function (this: FileHandle): Promise<void> {
        if (!keep(readlinkSync(`/proc/self/fd/${this.fd}`))) await other.call(this);
      };
    };
    Object.assign(prototype, { sync: force(sync), datasync: force(datasync) });
  }

  #keep(path: string): boolean {
    if (path === this.#folder) this.#names = new Set(readdirSync(path));
    else if (dirname(path) === this.#folder) this.#remember(path);
    else return false;
    return true;
  }

  #remember(path: string): void {
    const identity = identityOf(path);
    if (identity !== undefined) this.#bytes.set(identity, readFileSync(path));
  }

  /** Copies what is on the disk after the machine was pulled now. What goes on in the folder counts no more. */
  pull(to: string): void {
    mkdirSync(to, { mode: 0o700 });
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name);
      // Its bytes are forced before it gets its name.
      if (name === 'spool.json') copyFileSync(path, join(to, name), constants.COPYFILE_EXCL);
      if (!/\.(?:segment|cursor)$/u.test(name) || !this.#names.has(name)) continue;
      const identity = identityOf(path);
      // The agent goes on in its threads, and has just removed it.
      if (identity === undefined) continue;
      writeFileSync(join(to, name), this.#bytes.get(identity) ?? Buffer.alloc(0), { mode: 0o600 });
    }
  }

  [Symbol.dispose](): void {
    Object.assign(this.#prototype, this.#own);
  }
}

/** @returns undefined where there is no such file */
function identityOf(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.ino} ${stats.birthtimeNs}`;
}
