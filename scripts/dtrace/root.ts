import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

import { CACHE, mirror } from '../kernels/download.ts';
import { run } from '../kernels/run.ts';
import { progress } from '../progress.ts';

/** The suite that has a dtrace. */
const SUITE = 'sid';

/** A root file system with dtrace, from the cache, after making it there when it is missing or `renew` is set. */
export function dtraceRoot(renew: boolean): string {
  const folder = path.join(CACHE, `${SUITE}-dtrace`);
  if (!renew && existsSync(path.join(folder, 'usr/sbin/dtrace'))) return folder;
  progress(`Making a root file system with dtrace in ${folder}`);
  mkdirSync(CACHE, { recursive: true });
  const fresh = `${folder}.new`;
  for (const old of [folder, fresh]) rmSync(old, { recursive: true, force: true });
  run('mmdebstrap', ['--quiet', '--variant=minbase', '--include=dtrace,kmod', SUITE, fresh, mirror()]);
  renameSync(fresh, folder);
  return folder;
}
