import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * The one spelling of a path that two may share: without links in the folder above it, as far as that is there. Its last
 * name stays, since a link is refused there.
 */
export function withoutLinks(path: string): string {
  const plain = resolve(path);
  try {
    return join(realpathSync(dirname(plain)), basename(plain));
  } catch {
    return plain;
  }
}
