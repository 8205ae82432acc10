import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

import { CACHE } from '../tools/cache.ts';
import { progress } from '../tools/progress.ts';
import { inCheckout } from '../tools/root-folder.ts';

/** A package of npm for another system than this one, so `npm ci` does not install it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's archive, as package-lock.json has it. */
  readonly integrity: string;
}

/** A package with the version and the hash of package-lock.json. */
export function lockedPackage(name: string): NpmPackage {
  const { packages } = JSON.parse(readFileSync(inCheckout('package-lock.json'), 'utf8')) as {
    packages: Record<string, Omit<NpmPackage, 'name'> | undefined>;
  };
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json does not have ${name}`);
  return { name, version: locked.version, integrity: locked.integrity };
}

/**
 * The folder with the package's files, after getting it with npm when it is not there.
 * @throws when what npm brings is not what was pinned
 */
export function unpacked({ name, version, integrity }: NpmPackage): string {
  const folder = path.join(CACHE, 'npm', `${name.replaceAll('/', '+')}-${version}`);
  if (existsSync(folder)) return path.join(folder, 'package');

  progress(`Fetching ${name} ${version}`);
  mkdirSync(path.dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const archive = path.join(
      work,
      run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', work, `${name}@${version}`]).trim(),
    );
    const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (hash !== integrity)
      throw new Error(`${name} ${version} is not what was pinned: ${hash} instead of ${integrity}`);
    run('tar', ['-xzf', archive, '-C', work, '--no-same-owner']);
    rmSync(archive);
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path.join(folder, 'package');
}

function run(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command} ${args[0]} failed: ${result.error?.message ?? result.stderr}`);
  return result.stdout;
}
