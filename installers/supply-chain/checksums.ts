import { sha256 } from '../programs/manifest.ts';
import type { TreeEntry } from '../tools/tree.ts';

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
