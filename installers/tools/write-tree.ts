import { chmodSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { withFolders, type TreeEntry } from './tree.ts';

/**
 * Writes entries and the folders above them below a folder, which must exist and becomes 0755. Modes do not depend on the
 * umask. Owners are those of the caller: the packer makes them root's.
 * @param epoch the time of every entry, in seconds since 1970
 */
export function writeTree(entries: readonly TreeEntry[], folder: string, epoch: number): void {
  const all = withFolders(entries);
  for (const { path: name, mode, data, link } of all) {
    const place = path.join(folder, name);
    if (link !== undefined) symlinkSync(link, place);
    else {
      if (data === undefined) mkdirSync(place, { mode: 0o700 });
      else writeFileSync(place, data, { flag: 'wx' });
      chmodSync(place, mode);
    }
  }
  // Last and from the bottom, because an entry that is added changes the time of its folder.
  for (const { path: name } of all.toReversed()) lutimesSync(path.join(folder, name), epoch, epoch);
  chmodSync(folder, 0o755);
  lutimesSync(folder, epoch, epoch);
}
