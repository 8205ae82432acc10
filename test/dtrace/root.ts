import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

import { progress } from '../../installers/tools/progress.ts';
import { run } from '../../installers/tools/run.ts';
import { fetchFromSuite, mirror } from '../kernels/debian-suite.ts';
import { KERNEL_CACHE } from '../kernels/image.ts';

/** The suite that has dtrace. */
const SUITE = 'sid';

/** A root file system with dtrace, from the cache, after making it there when it is missing or `renew` is set. */
export function dtraceRoot(renew: boolean): string {
  const folder = path.join(KERNEL_CACHE, `${SUITE}-dtrace`);
  if (!renew && existsSync(path.join(folder, 'usr/sbin/dtrace'))) return folder;
  progress(`Making a root file system with dtrace in ${folder}`);
  mkdirSync(KERNEL_CACHE, { recursive: true });
  const fresh = `${folder}.new`;
  fetchFromSuite(SUITE, (settings) => {
    rmSync(fresh, { recursive: true, force: true });
    const options = settings.map((setting) => `--aptopt=${setting.replace('=', ' "')}"`);
    // Without --quiet, because that also keeps back why apt failed; in English, so that the reason is recognised.
    run('mmdebstrap', ['--variant=minbase', '--include=dtrace,kmod', ...options, SUITE, fresh, mirror()], {
      env: { ...process.env, LC_ALL: 'C' },
    });
  });
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}
