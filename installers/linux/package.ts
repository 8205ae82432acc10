import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';

import { VERSION } from '../../shared/version.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { sourceDate } from '../tools/source-date.ts';
import { needSystemPackages } from '../tools/system-packages.ts';
import type { PackageContents } from './contents.ts';
import { debName, makeDeb } from './deb.ts';
import { linuxPayload, type LinuxArchitecture } from './payload.ts';
import { makeRpm, rpmName } from './rpm.ts';

/**
 * Makes the packages of one architecture.
 * @param folder where to; it is made
 */
export async function makeLinuxPackages(architecture: LinuxArchitecture, folder: string): Promise<void> {
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
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
