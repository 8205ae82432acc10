import { lstatSync, type Stats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileSystemsOn, mountGeneration, type MountGeneration } from './mounts.ts';

/**
 * File systems that keep the names and inodes of open files in this machine's memory. Not among them: those that may ask a
 * server or another program (nfs, cifs, ceph, fuse, 9p, autofs …), and all that nobody has thought of.
 *
 * The layers of an overlay can lie on a server, as those of a machine that has no disk. Its own programs are then there too.
 */
const NEAR: ReadonlySet<string> = new Set([
  'bcachefs',
  'btrfs',
  'ext2',
  'ext3',
  'ext4',
  'f2fs',
  'overlay',
  'ramfs',
  'rootfs',
  'tmpfs',
  'xfs',
  'zfs',
]);

/** How long what was found out about a path counts at least, in milliseconds: hosts of containers mount all the time. */
const RENEW_AFTER_MS = 1000;

interface World {
  readonly generation: MountGeneration;
  readonly typesOn: typeof fileSystemsOn;
  readonly now: () => number;
}

/**
 * Looks at the path of an open file without the thread pool, where that cannot wait.
 *
 * A look through the thread pool wakes two threads, one after the other. At low rates that costs many times the look itself, for
 * every batch. But a look in the main thread holds up everything else for as long as it takes, and on a dead server
 * it takes for ever. So it is only done where every file system on the path is a near one, and the path has no link; an open file
 * keeps its inode and the folders above it in memory, so that no disk is asked either. Whatever is mounted later is noticed
 * before the next look.
 */
export class QuickLook {
  readonly #path: string;
  readonly #generation: MountGeneration;
  readonly #typesOn: typeof fileSystemsOn;
  readonly #now: () => number;
  /** The mounts of which it is known that a look cannot wait; undefined while it can, or nobody knows. */
  #safeAt: number | undefined;
  /** The mounts that were looked at last. */
  #renewedAt: number | undefined;
  #renewAfter = -Infinity;

  /** @param world other mounts, and another clock in milliseconds, in tests alone */
  constructor(path: string, world: Partial<World> = {}) {
    this.#path = path;
    this.#generation = world.generation ?? mountGeneration();
    this.#typesOn = world.typesOn ?? fileSystemsOn;
    this.#now = world.now ?? (() => performance.now());
  }

  /** Stats the path without following a link. Returns undefined if nothing is there, or if the look might have to wait. */
  now(): Stats | undefined {
    if (this.#safeAt === undefined || this.#generation() !== this.#safeAt) return undefined;
    try {
      return lstatSync(this.#path, { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  }

  /**
   * Finds out anew whether a look can wait, where the mounts are not those of the last time, and that was not a moment ago. Call
   * it while the file is open. Never rejects.
   * @param isNew whether the file has just been opened: another path may lead to it by now
   */
  async renew(isNew = false): Promise<void> {
    const generation = this.#generation();
    if (generation === undefined) return;
    const now = this.#now();
    if (!isNew && (generation === this.#renewedAt || now < this.#renewAfter)) return;
    this.#renewedAt = generation;
    this.#renewAfter = now + RENEW_AFTER_MS;
    this.#safeAt = undefined;
    if (await this.#isNear()) this.#safeAt = generation;
  }

  async #isNear(): Promise<boolean> {
    const types = await this.#typesOn(this.#path);
    if (types === undefined || types.size === 0 || [...types].some((type) => !NEAR.has(type))) return false;
    const folder = dirname(this.#path);
    try {
      // A link leads through folders that nobody has looked at.
      return (await realpath(folder)) === folder;
    } catch {
      return false;
    }
  }
}
