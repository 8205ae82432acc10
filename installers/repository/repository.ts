import { globSync, mkdirSync } from 'node:fs';
import path from 'node:path';

import { GpgSigner } from '../signing/gpg.ts';
import type { Key } from '../signing/key.ts';
import { needSystemPackages } from '../tools/system-packages.ts';
import { isSignedAptRepository, updateAptRepository } from './apt.ts';
import { replaceFile } from './publish-file.ts';
import { isSignedRpmRepository, updateRpmRepository } from './rpm.ts';

/** The public key, where administrators find it. */
const KEY_FILE = 'platform-probes.asc';

/**
 * Adds all .deb and .rpm of a folder, and of the folders in it, to the repositories `apt/` and `rpm/`. Any web server can
 * serve them; nothing has to run.
 * @param folder of both; made when it is not there
 * @param key signs both indices and each .rpm; without one, nothing is signed
 * @returns the names of the packages
 * @throws {Error} when there is no package, or when a signed repository would lose its signature
 */
export function updateRepository(folder: string, packages: string, key: Key | undefined): string[] {
  needSystemPackages('packages');
  const files = (pattern: string): string[] =>
    globSync(pattern, { cwd: packages })
      .toSorted()
      .map((name) => path.join(packages, name));
  const [debs, rpms] = [files('**/*.deb'), files('**/*.rpm')];
  if (debs.length + rpms.length === 0)
    throw new Error(
      `--repository: there is no package in ${packages}. Make them first: npm run package -- --target linux-x64`,
    );
  const [apt, rpm] = [path.join(folder, 'apt'), path.join(folder, 'rpm')];
  if (key === undefined && (isSignedAptRepository(apt) || isSignedRpmRepository(rpm)))
    throw new Error(`--repository: ${folder} is signed. Give its key with --gpg-key.`);
  const update = (signer: GpgSigner | undefined): void => {
    mkdirSync(folder, { recursive: true });
    updateAptRepository(apt, debs, signer);
    updateRpmRepository(rpm, rpms, signer);
    if (signer !== undefined) replaceFile(path.join(folder, KEY_FILE), signer.publicKey());
  };
  if (key === undefined) update(undefined);
  else GpgSigner.use(key, update);
  return [...debs, ...rpms].map((file) => path.basename(file));
}
