import { statSync, type Stats } from 'node:fs';
import { reasonOf, systemCode } from '../errors.ts';
import { isWritableByOthers, trustedPath, UntrustedPathError } from './trusted-path.ts';

const ROOT = 0;

/**
 * How others than root and this process's user could change a file or folder, or put another in its place: a sentence that names the
 * place. Undefined where they cannot, where it is not there, and on systems without modes.
 */
export function exposureOf(path: string): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  try {
    const entry = trustedPath(path, [ROOT, uid]);
    return exposureIn(entry.path, entry.stats.isSymbolicLink() ? statSync(entry.path) : entry.stats);
  } catch (error) {
    if (error instanceof UntrustedPathError) return reasonOf(error);
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** The same for an entry of a folder that was found good: its own owner and mode decide. */
export function exposureIn(path: string, stats: Stats): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  if (stats.uid !== ROOT && stats.uid !== uid) return `${path} belongs to uid ${stats.uid}`;
  return isWritableByOthers(stats) ? `${path} can be written by others: chmod go-w` : undefined;
}
