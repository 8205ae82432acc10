import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import type { GpgSigner } from '../signing/gpg.ts';
import { run } from '../tools/run.ts';
import { addPackage, replaceFile } from './publish-file.ts';

const SUITE = 'dists/stable';
const COMPONENT = 'main';
const ARCHITECTURES = ['amd64', 'arm64'];
const POOL = `pool/${COMPONENT}/p/platform-probes`;

/** Those of the suite's index, which apt-ftparchive writes into it. */
const RELEASE = {
  'Origin': 'Platform Probes',
  'Label': 'Platform Probes',
  'Suite': 'stable',
  'Codename': 'stable',
  'Components': COMPONENT,
  'Architectures': ARCHITECTURES.join(' '),
  // A client that has read the older index still finds the files that it names, while a newer one is written.
  'Acquire-By-Hash': 'yes',
};

/**
 * Adds packages to an apt repository of plain files, and writes its index anew. Older versions stay.
 * https://wiki.debian.org/DebianRepository/Format
 * @param folder of the repository; made when it is not there
 * @param signer without one, the index is not signed
 * @throws {Error} when another package of the same name and version is there
 */
export function updateAptRepository(folder: string, packages: readonly string[], signer: GpgSigner | undefined): void {
  mkdirSync(path.join(folder, POOL), { recursive: true });
  for (const file of packages)
    addPackage(file, path.join(folder, POOL), (there) => readFileSync(there).equals(readFileSync(file)));

  for (const architecture of ARCHITECTURES) {
    const place = path.join(folder, SUITE, COMPONENT, `binary-${architecture}`);
    mkdirSync(place, { recursive: true });
    const index = ftparchive(folder, {}, '--arch', architecture, 'packages', 'pool');
    replaceFile(path.join(place, 'Packages'), index);
    replaceFile(path.join(place, 'Packages.gz'), gzipSync(index, { level: 9 }));
  }
  const settings = Object.fromEntries(Object.entries(RELEASE).map(([name, value]) => [`Release::${name}`, value]));
  // Without the patterns it would also hash the index that it is about to replace.
  const patterns = { 'Release::Default-Patterns': 'false', 'Release::Patterns::': 'Packages*' };
  const text = ftparchive(folder, { DoByHash: 'true', ...patterns, ...settings }, 'release', SUITE);
  writeRelease(path.join(folder, SUITE, 'Release'), text, signer);
}

/** Whether the index of a repository is signed. */
export function isSignedAptRepository(folder: string): boolean {
  return existsSync(path.join(folder, SUITE, 'InRelease'));
}

/** Signs before it replaces anything. InRelease comes last: apt prefers it, and all that it names is in place by then. */
function writeRelease(release: string, text: string, signer: GpgSigner | undefined): void {
  if (signer === undefined) return replaceFile(release, text);
  const fresh = `${release}.unsigned`;
  writeFileSync(fresh, text);
  try {
    const [detached, clearsigned] = [signer.detached(fresh), signer.clearsigned(fresh)];
    replaceFile(release, text);
    replaceFile(`${release}.gpg`, detached);
    replaceFile(path.join(path.dirname(release), 'InRelease'), clearsigned);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** Weaker hashes than SHA-256 are left out: apt of Debian 12 does not ask for them. */
function ftparchive(folder: string, settings: Readonly<Record<string, string>>, ...args: readonly string[]): string {
  const options = Object.entries({ MD5: 'false', SHA1: 'false', ...settings });
  return run(
    'apt-ftparchive',
    [...options.flatMap(([name, value]) => ['-o', `APT::FTPArchive::${name}=${value}`]), ...args],
    { cwd: folder },
  );
}
