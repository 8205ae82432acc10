import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { VERSION } from '../../shared/version.ts';

/** Lower-case hexadecimal SHA-256. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Text of dist/manifest.json: size and hash of each file of a release. The same files give the same text. */
export function manifestText(folder: string, names: readonly string[]): string {
  const files = names.toSorted().map((name) => {
    const bytes = readFileSync(path.join(folder, name));
    return [name, { sha256: sha256(bytes), size: bytes.length }] as const;
  });
  return `${JSON.stringify({ files: Object.fromEntries(files), version: VERSION }, undefined, 2)}\n`;
}
