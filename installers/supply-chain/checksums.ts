import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { sha256 } from '../programs/manifest.ts';
import type { TreeEntry } from '../tools/tree.ts';

/** The name of the list beside the packages. */
export const SUMS = 'SHA256SUMS';

/**
 * Writes the list of all files in a folder, in the form of `sha256sum --check`. Folders, the list itself and signatures of it
 * are no part of it.
 */
export function writeChecksums(folder: string): void {
  const names = readdirSync(folder).filter(
    (name) => !name.startsWith(SUMS) && statSync(path.join(folder, name)).isFile(),
  );
  const lines = names.toSorted().map((name) => line(readFileSync(path.join(folder, name)), name));
  writeFileSync(path.join(folder, SUMS), lines.join(''));
}

/**
 * The list of all files of an installation, for `sha256sum --check` in the root folder. Configuration is no part of it, since an
 * administrator changes it.
 */
export function installedChecksums(payload: readonly TreeEntry[]): TreeEntry {
  const lines = payload
    .filter(({ data, path: name }) => data !== undefined && !name.startsWith('etc/'))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ data, path: name }) => line(data ?? Buffer.alloc(0), name));
  return { path: `usr/share/platform-probes/${SUMS}`, mode: 0o644, data: Buffer.from(lines.join('')) };
}

const line = (data: Buffer, name: string): string => `${sha256(data)}  ${name}\n`;
