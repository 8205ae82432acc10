import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { DEBIAN_NAMES } from '../../installers/image/debian-packages.ts';
import type { LinuxArchitecture } from '../../installers/linux/payload.ts';
import { progress } from '../../installers/tools/progress.ts';
import { run } from '../../installers/tools/run.ts';
import { fetchFromSuite, mirror } from './debian-suite.ts';
import { KERNEL_CACHE } from './image.ts';

/** A minimal Debian, on which a guest can run. */
export interface DebianRoot {
  readonly suite: string;
  /** Tells it from other roots of the suite. */
  readonly purpose: string;
  /** Packages beside those that no Debian is without. */
  readonly packages: readonly string[];
  /** By default this machine's own. The packages of another one are unpacked, and their scripts not run. */
  readonly architecture?: LinuxArchitecture;
}

/** Links from /bin and /lib into /usr, which the packages of bookworm take for granted. */
const MERGED_USR = '/usr/share/mmdebstrap/hooks/merged-usr';

/** The folder of a root file system, from the cache, after making it there when it is missing or `renew` is set. */
export function debianRoot({ suite, purpose, packages, architecture }: DebianRoot, renew: boolean): string {
  const folder = path.join(KERNEL_CACHE, `${suite}-${purpose}`);
  if (!renew && existsSync(path.join(folder, 'etc/os-release'))) return folder;
  progress(`Making a root file system in ${folder}: Debian ${suite} with ${packages.join(', ')}`);
  mkdirSync(KERNEL_CACHE, { recursive: true });
  const fresh = `${folder}.new`;
  fetchFromSuite(suite, (settings) => {
    rmSync(fresh, { recursive: true, force: true });
    const options = settings.map((setting) => `--aptopt=${setting.replace('=', ' "')}"`);
    // Without --quiet, because that also keeps back why apt failed; in English, so that the reason is recognised.
    const kind =
      architecture === undefined
        ? ['--variant=minbase']
        : [
            '--variant=extract',
            `--architectures=${DEBIAN_NAMES[architecture]}`,
            `--hook-dir=${MERGED_USR}`,
            '--include=?essential',
          ];
    run('mmdebstrap', [...kind, `--include=${packages.join(',')}`, ...options, suite, fresh, mirror()], {
      env: { ...process.env, LC_ALL: 'C' },
    });
  });
  if (architecture !== undefined) addIdentity(fresh);
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}

/** Files that scripts of packages make: the accounts that every Debian has, and the machine's id. */
function addIdentity(root: string): void {
  for (const name of ['passwd', 'group'])
    copyFileSync(path.join(root, `usr/share/base-passwd/${name}.master`), path.join(root, 'etc', name));
  writeFileSync(path.join(root, 'etc/machine-id'), `${randomUUID().replaceAll('-', '')}\n`);
}
