import { copyFileSync, cpSync, existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

import { CACHE } from '../../installers/tools/cache.ts';
import { progress } from '../../installers/tools/progress.ts';
import { run } from '../../installers/tools/run.ts';
import { aptOf } from './debian-suite.ts';
import type { LinuxArchitecture } from '../../installers/linux/payload.ts';
import type { Kernel } from './kernels.ts';

/** Kernels, and file systems for them. */
export const KERNEL_CACHE = path.join(CACHE, 'kernels');

/** A kernel on disk. */
export interface Image {
  readonly architecture: LinuxArchitecture;
  readonly vmlinuz: string;
  /** Holds lib/modules/RELEASE. */
  readonly folder: string;
  readonly release: string;
}

/** The kernel from the cache, after putting it there when it is missing or `renew` is set. */
export function kernelImage(kernel: Kernel, work: string, renew: boolean): Image {
  const folder = path.join(KERNEL_CACHE, `${kernel.suite}-${kernel.flavour}`);
  if (renew || !existsSync(path.join(folder, 'vmlinuz'))) {
    progress(`Downloading ${kernel.suite}'s kernel ${kernel.flavour} to ${folder}`);
    const fresh = unpack(download(kernel, work), path.join(work, 'kernel'));
    mkdirSync(KERNEL_CACHE, { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    // The folder may lie on another file system.
    cpSync(fresh, `${folder}.new`, { recursive: true, verbatimSymlinks: true });
    renameSync(`${folder}.new`, folder);
    rmSync(fresh, { recursive: true });
  }
  const [release] = readdirSync(path.join(folder, 'lib/modules'));
  if (release === undefined) throw new Error(`${folder} has no kernel modules; remove it to have it downloaded again`);
  return { architecture: kernel.architecture, vmlinuz: path.join(folder, 'vmlinuz'), folder, release };
}

/** Downloads the packages of the suite's current kernel, and gives the files. This machine's package lists stay as they are. */
function download({ suite, flavour, architecture }: Kernel, work: string): string[] {
  const {
    apt,
    packages,
    download: get,
  } = aptOf(suite, path.join(work, 'apt', `${suite}-${flavour}`), { architecture });
  const dependencies = (name: string, kinds: string): string[] =>
    (/^Depends: (.*)$/mu.exec(apt('apt-cache', 'show', '--no-all-versions', name))?.[1] ?? '').match(
      new RegExp(`linux-(?:${kinds})-\\d[^ ,|]*`, 'gu'),
    ) ?? [];

  const [image] = dependencies(`linux-image-${flavour}`, 'image');
  if (image === undefined) throw new Error(`${suite} has no linux-image-${flavour}`);
  // Newer kernels come in parts.
  for (const name of [image, ...dependencies(image, 'binary|modules|base')]) {
    const problem = get(name);
    // The parts named after the kernel are not in every suite.
    if (problem !== undefined && name === image) throw new Error(`cannot download ${name}: ${problem}`);
  }
  return globSync('*.deb', { cwd: packages }).map((file) => path.join(packages, file));
}

/** Takes the kernel and its modules out of the packages. */
function unpack(packages: readonly string[], folder: string): string {
  const all = `${folder}-packages`;
  for (const file of packages) run('dpkg-deb', ['-x', file, all]);
  const [modules] = globSync(`${all}/{lib,usr/lib}/modules/*/kernel`).map(path.dirname);
  if (modules === undefined) throw new Error(`no kernel modules in ${packages.join(', ')}`);
  const release = path.basename(modules);
  mkdirSync(path.join(folder, 'lib/modules'), { recursive: true });
  renameSync(modules, path.join(folder, 'lib/modules', release));
  const [vmlinuz] = [`${all}/boot/vmlinuz-${release}`, path.join(folder, 'lib/modules', release, 'vmlinuz')].filter(
    (file) => existsSync(file),
  );
  if (vmlinuz === undefined) throw new Error(`no kernel in ${packages.join(', ')}`);
  copyFileSync(vmlinuz, path.join(folder, 'vmlinuz'));
  run('depmod', ['-b', folder, release]);
  rmSync(all, { recursive: true });
  return folder;
}
