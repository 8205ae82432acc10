import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { Digests } from '../rules/fields/lookups.ts';
import { imageOf } from '../rules/fields/incomplete.ts';
import { Budget } from './budget.ts';
import { Generations } from './generations.ts';
import { LocalFiles } from './local-files.ts';
import { HASH_MS, HASH_MS_PER_SECOND, HASH_MS_SAVED, MAX_DIGESTS, MAX_HASHED_BYTES } from './limits.ts';

const PIECE_BYTES = 1024 * 1024;
const ALGORITHMS = ['md5', 'sha1', 'sha256'] as const;

/** Where the path of an image leads elsewhere than for the process, or nowhere. */
const ELSEWHERE = new Set(['memfd', 'deleted', 'chroot', 'exe_truncated']);

/** Counts hashed images, and the others by reason. */
export interface DigestCounts {
  hashed: number;
  /** Not readable for the agent's user, no file, too large, in another mount namespace, or not on a local file system. */
  impossible: number;
  /** There was no time. */
  skipped: number;
}

/**
 * Digests of programs, each file hashed once: it is recognised by device, inode, size and times. The path is read
 * when the digest is asked for, a moment after the exec; if the file was replaced in between, the digest is of its successor.
 * Only local file systems are asked: the call waits for the answer, and so does every event behind it.
 */
export class DigestCache {
  readonly counts: DigestCounts = { hashed: 0, impossible: 0, skipped: 0 };
  readonly #budget = new Budget(HASH_MS_PER_SECOND, HASH_MS_SAVED);
  /** By identity; without digests, a file that cannot be hashed. */
  readonly #known = new Generations<string, { readonly digests: Digests | undefined }>({ entries: MAX_DIGESTS });
  readonly #maxBytes: number;
  readonly #local: LocalFiles;

  constructor(maxBytes: number = MAX_HASHED_BYTES, local: LocalFiles = new LocalFiles()) {
    this.#maxBytes = maxBytes;
    this.#local = local;
  }

  /** Digests of the image that an event tells of; undefined where there are none, or no time for it. */
  of(event: ExecEvent): Digests | undefined {
    // On Linux `exe` is a path without links, and `filename` may lead through any.
    const image = process.platform === 'linux' ? event.exe : imageOf(event);
    const elsewhere = event.ns?.['mnt'] !== undefined || (event.flags?.some((flag) => ELSEWHERE.has(flag)) ?? false);
    if (image === undefined || elsewhere || !isAbsolute(image)) return undefined;
    try {
      if (!this.#local.has(image)) throw new Error('the answer could never come');
      return this.#ofFile(image, statSync(image));
    } catch {
      // It is gone, may not be read, or lies where a read could hang.
      this.counts.impossible++;
      return undefined;
    }
  }

  #ofFile(path: string, stats: Stats): Digests | undefined {
    const id = idOf(stats);
    const known = this.#known.get(id);
    if (known !== undefined) return known.digests;
    if (!this.#budget.isLeft) {
      this.counts.skipped++;
      return undefined;
    }
    const start = performance.now();
    const digests = stats.isFile() && stats.size <= this.#maxBytes ? hash(path, id, start + HASH_MS) : undefined;
    this.#budget.spend(performance.now() - start);
    if (digests === undefined) this.counts.impossible++;
    else this.counts.hashed++;
    this.#known.set(id, { digests });
    return digests;
  }
}

function idOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

/** @returns undefined when the file has been replaced, or there is no time left */
function hash(path: string, id: string, deadline: number): Digests | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (idOf(fstatSync(descriptor)) !== id) return undefined;
    const hashes = ALGORITHMS.map((name) => createHash(name));
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let bytes = readSync(descriptor, piece); bytes > 0; bytes = readSync(descriptor, piece)) {
      for (const each of hashes) each.update(piece.subarray(0, bytes));
      if (performance.now() > deadline) return undefined;
    }
    const [md5, sha1, sha256] = hashes.map((each) => each.digest('hex'));
    return { md5: md5!, sha1: sha1!, sha256: sha256! };
  } finally {
    closeSync(descriptor);
  }
}
