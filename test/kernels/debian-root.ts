import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

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
}

/** The folder of a root file system, from the cache, after making it there when it is missing or `renew` is set. */
export function debianRoot({ suite, purpose, packages }: DebianRoot, renew: boolean): string {
  const folder = path.join(KERNEL_CACHE, `${suite}-${purpose}`);
  if (!renew && existsSync(path.join(folder, 'etc/os-release'))) return folder;
  progress(`Making a root file system in ${folder}: Debian ${suite} with ${packages.join(', ')}`);
  mkdirSync(KERNEL_CACHE, { recursive: true });
  const fresh = `${folder}.new`;
  fetchFromSuite(suite, (settings) => {
    rmSync(fresh, { recursive: true, force: true });
    const options = settings.map((setting) => `--aptopt=${setting.replace('=', ' "')}"`);
    // Without --quiet, because that also keeps back why apt failed; in English, so that the reason is recognised.
    run('mmdebstrap', ['--variant=minbase', `--include=${packages.join(',')}`, ...options, suite, fresh, mirror()], {
      env: { ...process.env, LC_ALL: 'C' },
    });
  });
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}
