import { copyFileSync, chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Adds a package to a repository's folder, in one step.
 * @param same whether a package that is there under this name is the same one
 * @returns whether it is new there
 * @throws {Error} when another package is there under this name: whoever installed that one would get neither an upgrade nor a warning
 */
export function addPackage(file: string, folder: string, same: (there: string, file: string) => boolean): boolean {
  const there = path.join(folder, path.basename(file));
  if (existsSync(there)) {
    if (same(there, file)) return false;
    throw new Error(
      `--repository: ${there} is another package of the same version. Raise the version in shared/version.ts, or remove that file if nobody has installed it.`,
    );
  }
  const fresh = `${there}.new`;
  copyFileSync(file, fresh);
  chmodSync(fresh, 0o644);
  renameSync(fresh, there);
  return true;
}

/** Writes a file in one step, readable for all. */
export function replaceFile(file: string, contents: string | Uint8Array): void {
  const fresh = `${file}.new`;
  writeFileSync(fresh, contents);
  chmodSync(fresh, 0o644);
  renameSync(fresh, file);
}
