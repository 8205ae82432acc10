import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';

import { VERSION } from '../../shared/version.ts';
import type { Key } from '../signing/key.ts';
import { minisign } from '../signing/minisign.ts';
import { writeChecksums } from '../supply-chain/checksums.ts';
import { signStatements, voucherOf, writeSupplyChain, type Builder } from '../supply-chain/supply-chain.ts';
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
 * @param builder who vouches for how they were made
 */
export async function makeLinuxPackages(
  architecture: LinuxArchitecture,
  folder: string,
  key?: Key,
  builder: Builder = {},
): Promise<void> {
  needSystemPackages('packages');
  const voucher = voucherOf(builder);
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
    const [deb, rpm] = [debName(architecture, VERSION), rpmName(architecture, VERSION)];
    makeDeb(contents, path.join(folder, deb), scratch);
    makeRpm(contents, path.join(folder, rpm), scratch);
    await writeSupplyChain(folder, { ...contents, packages: [deb, rpm] }, voucher);
    const sums = writeChecksums(folder);
    signStatements(folder, [deb, rpm], voucher);
    if (key !== undefined) minisign(sums, `${NAME} ${VERSION} linux-${architecture}`, key);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
