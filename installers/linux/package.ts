import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { VERSION } from '../../shared/version.ts';
import type { Key } from '../signing/key.ts';
import { minisign } from '../signing/minisign.ts';
import { fileHashes } from '../tools/file-hashes.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { sourceDate } from '../tools/source-date.ts';
import { needSystemPackages } from '../tools/system-packages.ts';
import type { PackageContents } from './contents.ts';
import { debName, makeDeb } from './deb.ts';
import { NAME } from './identity.ts';
import { linuxPayload, type LinuxArchitecture } from './payload.ts';
import { makeRpm, rpmName } from './rpm.ts';

/**
 * Makes the packages of one architecture.
 * @param folder where to; it is made
 * @param key for minisign; without one, SHA256SUMS is not signed
 */
export async function makeLinuxPackages(architecture: LinuxArchitecture, folder: string, key?: Key): Promise<void> {
  needSystemPackages('packages');
  const contents: PackageContents = {
    architecture,
    version: VERSION,
    payload: await linuxPayload(architecture),
    epoch: sourceDate(),
  };
  mkdirSync(folder);
  mkdirSync(inCheckout('build'), { recursive: true });
  const scratch = mkdtempSync(inCheckout('build', 'packages-'));
  try {
    makeDeb(contents, path.join(folder, debName(architecture, VERSION)), scratch);
    makeRpm(contents, path.join(folder, rpmName(architecture, VERSION)), scratch);
    const sums = path.join(folder, 'SHA256SUMS');
    writeFileSync(sums, [...fileHashes(folder, folder)].map(([file, hash]) => `${hash}  ${file}\n`).join(''));
    chmodSync(sums, 0o644);
    if (key !== undefined) minisign(sums, `${NAME} ${VERSION} linux-${architecture}`, key);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
