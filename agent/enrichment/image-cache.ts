import { closeSync, constants, fstatSync, openSync, statSync, type BigIntStats } from 'node:fs';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { Budget } from './budget.ts';
import { Generations } from './generations.ts';
import { imageHere } from './image-here.ts';
import { HASH_MS, MAX_DIGESTS } from './limits.ts';
import type { LocalFiles } from './local-files.ts';

/** Counts hashed images, and the others by reason. */
export interface ImageCounts {
  hashed: number;
  /** Unreadable for the agent's user, not a file, too large, in another mount namespace, not on a local file system, or without such a hash. */
  impossible: number;
  /** Skipped for lack of time. */
  skipped: number;
}

export interface ImageCacheOptions<T> {
  /**
   * Hashes an open file.
   * @param deadline of `performance.now()`: later than that it gives up
   * @returns undefined if the file has no such hash, or no time is left
   */
  readonly read: (descriptor: number, deadline: number) => T | undefined;
  /** The largest image that is read, in bytes. */
  readonly maxBytes: number;
  readonly local: LocalFiles;
  /** Milliseconds for reading; caches can share it. */
  readonly budget: Budget;
}

/**
 * Hashes of programs. Reads each file once and recognises it by device, inode, size and times. Reads the path when the hash
 * is requested, shortly after the exec; if the file was replaced in between, the hash belongs to its successor.
 * Reads only local file systems: the call blocks until the answer comes, and every later event waits with it.
 */
export class ImageCache<T> {
  readonly counts: ImageCounts = { hashed: 0, impossible: 0, skipped: 0 };
  /** When the image that was asked for last changed, in milliseconds since 1970. */
  protected changedMs = 0;
  /** By identity; an entry without a value is a file that cannot be hashed. */
  readonly #known = new Generations<string, { readonly value: T | undefined }>({ entries: MAX_DIGESTS });
  readonly #options: ImageCacheOptions<T>;

  constructor(options: ImageCacheOptions<T>) {
    this.#options = options;
  }

  /** Returns the hash of the event's image; undefined if it cannot be hashed or there is no time. */
  of(event: ExecEvent): T | undefined {
    const image = imageHere(event);
    if (image === undefined) return undefined;
    try {
      if (!this.#options.local.has(image)) throw new Error('the answer could never come');
      return this.#ofFile(image, statSync(image, { bigint: true }));
    } catch {
      // The file is gone, unreadable, or on a file system where a read could hang.
      this.counts.impossible++;
      return undefined;
    }
  }

  #ofFile(path: string, stats: BigIntStats): T | undefined {
    const { budget, maxBytes } = this.#options;
    const id = idOf(stats);
    this.changedMs = Number(stats.ctimeMs);
    const known = this.#known.get(id);
    if (known !== undefined) return known.value;
    if (!budget.isLeft) {
      this.counts.skipped++;
      return undefined;
    }
    const start = performance.now();
    const value = stats.isFile() && Number(stats.size) <= maxBytes ? this.#read(path, id, start + HASH_MS) : undefined;
    budget.spend(performance.now() - start);
    if (value === undefined) this.counts.impossible++;
    else this.counts.hashed++;
    this.#known.set(id, { value });
    return value;
  }

  /** @returns undefined when the file was replaced or written to, too */
  #read(path: string, id: string, deadline: number): T | undefined {
    const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const isSame = (): boolean => idOf(fstatSync(descriptor, { bigint: true })) === id;
      if (!isSame()) return undefined;
      const value = this.#options.read(descriptor, deadline);
      // Written to while it was read, it would have the hash of no file at all.
      return isSame() ? value : undefined;
    } finally {
      closeSync(descriptor);
    }
  }
}

function idOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
