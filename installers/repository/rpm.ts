import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { GpgSigner } from '../signing/gpg.ts';
import { run } from '../tools/run.ts';
import { addPackage } from './publish-file.ts';

const PACKAGES = 'packages';
const INDEX = 'repodata';

/**
 * Adds packages to an rpm repository of plain files, for all architectures, and writes its index anew. Older versions stay.
 * @param folder of the repository; made when it is not there
 * @param signer signs the packages that are not signed yet, and the index; without one, nothing is signed
 * @throws {Error} when another package of the same name and version is there
 */
export function updateRpmRepository(folder: string, packages: readonly string[], signer: GpgSigner | undefined): void {
  const place = path.join(folder, PACKAGES);
  mkdirSync(place, { recursive: true });
  // A package that was signed differs from the one that was made. The hash of its header stays, which has that of the payload.
  for (const file of packages) addPackage(file, place, (there) => headerHash(there) === headerHash(file));
  if (signer !== undefined)
    for (const name of globSync('*.rpm', { cwd: place }).toSorted()) sign(path.join(place, name), signer);

  const work = mkdtempSync(path.join(folder, '.index-'));
  try {
    run('createrepo_c', ['--quiet', '--no-database', '--outputdir', work, folder]);
    const fresh = path.join(work, INDEX);
    if (signer !== undefined) {
      const repomd = path.join(fresh, 'repomd.xml');
      writeFileSync(`${repomd}.asc`, signer.detached(repomd));
    }
    run('chmod', ['-R', 'u=rwX,go=rX', fresh]);
    const current = path.join(folder, INDEX);
    if (existsSync(current)) renameSync(current, path.join(work, 'older'));
    renameSync(fresh, current);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Whether the index of a repository is signed. */
export function isSignedRpmRepository(folder: string): boolean {
  return existsSync(path.join(folder, INDEX, 'repomd.xml.asc'));
}

/** Signs a copy and puts it into place, so that nobody reads half a package. */
function sign(file: string, signer: GpgSigner): void {
  if (query(file, '%{RSAHEADER:pgpsig}%{DSAHEADER:pgpsig}') !== '(none)(none)') return;
  const fresh = `${file}.new`;
  cpSync(file, fresh);
  try {
    signer.signRpm(fresh);
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** The SHA-256 of a package's header. */
function headerHash(file: string): string {
  return query(file, '%{SHA256HEADER}');
}

function query(file: string, format: string): string {
  // --nosignature: the key need not be one that this machine trusts.
  return run('rpm', ['--nosignature', '-qp', '--qf', format, file]);
}
