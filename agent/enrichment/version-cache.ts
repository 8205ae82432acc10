import { closeSync, fstatSync, openSync } from 'node:fs';
import type { VersionInfo } from '../rules/fields/lookups.ts';
import { readerOf } from './pe-image.ts';
import { readVersionInfo } from './pe-version.ts';

/** Images that are remembered. A machine runs a few hundred different ones. */
const MAX_REMEMBERED = 2048;

/** Milliseconds before a file is read again, since it can have been replaced. */
const FRESH_MS = 60_000;

interface Known {
  readonly info: VersionInfo | undefined;
  readonly at: number;
}

/** Version resources of images, each file read at most once a minute. */
export class VersionCache {
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Returns undefined if the file is gone, unreadable or has no version resource. */
  of(image: string): VersionInfo | undefined {
    const known = this.#known.get(image);
    if (known !== undefined && this.#now() - known.at < FRESH_MS) return known.info;
    const info = read(image);
    this.#known.delete(image);
    this.#known.set(image, { info, at: this.#now() });
    if (this.#known.size > MAX_REMEMBERED) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return info;
  }
}

function read(image: string): VersionInfo | undefined {
  let file: number | undefined;
  try {
    file = openSync(image, 'r');
    // Skip pipes and devices: reading them could block.
    if (!fstatSync(file).isFile()) return undefined;
    return readVersionInfo(readerOf(file));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
