import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import type { Digests } from '../rules/fields/lookups.ts';
import { Budget } from './budget.ts';
import { CLOCK_SLACK_MS } from './hashing/limits.ts';
import { ImageCache, type ImageCacheOptions } from './image-cache.ts';
import { HASH_MS_PER_SECOND, HASH_MS_SAVED, MAX_HASHED_BYTES } from './limits.ts';
import { LocalFiles } from './local-files.ts';

const PIECE_BYTES = 1024 * 1024;
const ALGORITHMS = ['md5', 'sha1', 'sha256'] as const;

/** The time for hashing images: all caches of an agent share one. */
export const hashingBudget = (): Budget => new Budget(HASH_MS_PER_SECOND, HASH_MS_SAVED);

/** Digests of programs. */
export class DigestCache extends ImageCache<Digests> {
  #last: { readonly event: ExecEvent; readonly digests: Digests } | undefined;

  constructor(options: Partial<Omit<ImageCacheOptions<Digests>, 'read'>> = {}) {
    super({ maxBytes: MAX_HASHED_BYTES, local: new LocalFiles(), budget: hashingBudget(), ...options, read: hash });
  }

  override of(event: ExecEvent): Digests | undefined {
    this.#last = undefined;
    const digests = super.of(event);
    if (digests !== undefined) this.#last = { event, digests };
    return digests;
  }

  /**
   * The digests of an event's image, where `of` was called for this event last; undefined for any other, and where the file changed
   * after the exec: outputs promise the hash of what was executed.
   */
  justFound(event: ExecEvent | ExecFailedEvent): Digests | undefined {
    if (this.#last?.event !== event) return undefined;
    return this.changedMs > Date.parse(event.time) + CLOCK_SLACK_MS ? undefined : this.#last.digests;
  }
}

function hash(descriptor: number, deadline: number): Digests | undefined {
  const hashes = ALGORITHMS.map((name) => createHash(name));
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (let bytes = readSync(descriptor, piece); bytes > 0; bytes = readSync(descriptor, piece)) {
    for (const each of hashes) each.update(piece.subarray(0, bytes));
    if (performance.now() > deadline) return undefined;
  }
  const [md5, sha1, sha256] = hashes.map((each) => each.digest('hex'));
  return { md5: md5!, sha1: sha1!, sha256: sha256! };
}
