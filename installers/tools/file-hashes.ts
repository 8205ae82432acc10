import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { sha256 } from '../programs/manifest.ts';

/** The SHA-256 of a file, under its path; or those of all files below a folder, sorted. Paths are relative to `base`. */
export function fileHashes(place: string, base: string): ReadonlyMap<string, string> {
  const files = statSync(place).isDirectory()
    ? globSync('**/*', { cwd: place, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .toSorted()
    : [place];
  return new Map(files.map((file) => [path.relative(base, file), sha256(readFileSync(file))]));
}
