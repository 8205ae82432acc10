import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { sha256 } from '../programs/manifest.ts';
import { fileHashes } from '../tools/file-hashes.ts';
import type { TreeEntry } from '../tools/tree.ts';

/**
 * Writes SHA256SUMS, the list of all files in a folder, for `sha256sum --check` there.
 * @returns its path
 */
export function writeChecksums(folder: string): string {
  const sums = path.join(folder, 'SHA256SUMS');
  writeFileSync(sums, [...fileHashes(folder, folder)].map(([file, hash]) => `${hash}  ${file}\n`).join(''));
  // Whatever the umask is.
  chmodSync(sums, 0o644);
  return sums;
}

/**
 * The list of all files of an installation, for `sha256sum --check` in the root folder. Configuration is no part of it, since an
 * administrator changes it.
 */
export function installedChecksums(payload: readonly TreeEntry[]): TreeEntry {
  const lines = payload
    .filter(({ data, path: name }) => data !== undefined && !name.startsWith('etc/'))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ data, path: name }) => `${sha256(data ?? '')}  ${name}\n`);
  return { path: 'usr/share/platform-probes/SHA256SUMS', mode: 0o644, data: Buffer.from(lines.join('')) };
}
