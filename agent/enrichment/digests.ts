import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import type { Digests } from '../rules/fields/lookups.ts';
import { Budget } from './budget.ts';
import { Generations } from './generations.ts';
import { imageHere } from './image-here.ts';
import { LocalFiles } from './local-files.ts';
import { HASH_MS, HASH_MS_PER_SECOND, HASH_MS_SAVED, MAX_DIGESTS, MAX_HASHED_BYTES } from './limits.ts';

const PIECE_BYTES = 1024 * 1024;
const ALGORITHMS = ['md5', 'sha1', 'sha256'] as const;

/** Counts hashed images, and the others by reason. */
export interface DigestCounts {
  hashed: number;
  /** Unreadable for the agent's user, not a file, too large, in another mount namespace, or not on a local file system. */
  impossible: number;
  /** Skipped for lack of time. */
  skipped: number;
}

/**
 * Digests of programs. Hashes each file once and recognises it by device, inode, size and times. Reads the path when the digest
 * is requested, shortly after the exec; if the file was replaced in between, the digest belongs to its successor.
 * Reads only local file systems: the call blocks until the answer comes, and every later event waits with it.
 */
export class DigestCache {
  readonly counts: DigestCounts = { hashed: 0, impossible: 0, skipped: 0 };
  readonly #budget = new Budget(HASH_MS_PER_SECOND, HASH_MS_SAVED);
  /** By identity; an entry without digests is a file that cannot be hashed. */
  readonly #known = new Generations<string, { readonly digests: Digests | undefined }>({ entries: MAX_DIGESTS });
  #last: { readonly event: ExecEvent; readonly digests: Digests | undefined } | undefined;
  readonly #maxBytes: number;
  readonly #local: LocalFiles;

  constructor(maxBytes: number = MAX_HASHED_BYTES, local: LocalFiles = new LocalFiles()) {
    this.#maxBytes = maxBytes;
    this.#local = local;
  }

  /** Returns the digests of the event's image; undefined if it cannot be hashed or there is no time. */
  of(event: ExecEvent): Digests | undefined {
    this.#last = undefined;
    const image = imageHere(event);
    if (image === undefined) return undefined;
    try {
      if (!this.#local.has(image)) throw new Error('the answer could never come');
      const digests = this.#ofFile(image, statSync(image));
      this.#last = { event, digests };
      return digests;
    } catch {
      // The file is gone, unreadable, or on a file system where a read could hang.
      this.counts.impossible++;
      return undefined;
    }
  }

  /** The digests of an event's image, where `of` was called for this event last; undefined for any other. */
  justFound(event: ExecEvent | ExecFailedEvent): Digests | undefined {
    return this.#last?.event === event ? this.#last.digests : undefined;
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

/** @returns undefined when the file was replaced or no time is left */
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
