import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

import packageLock from '../../package-lock.json' with { type: 'json' };
import { run } from '../kernels/run.ts';
import { progress } from '../progress.ts';
import { inCheckout } from '../root-folder.ts';

/** A package of npm whose files go into an installer; for another system than this one, so `npm ci` does not install it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's archive, as package-lock.json has it. */
  readonly integrity: string;
}

/** A package that package-lock.json names. */
export function lockedPackage(name: string): NpmPackage {
  const locked = (packageLock.packages as Readonly<Record<string, { version?: string; integrity?: string } | undefined>>)[`node_modules/${name}`];
  if (locked?.version === undefined || locked.integrity === undefined) throw new Error(`package-lock.json does not have ${name}`);
  return { name, version: locked.version, integrity: locked.integrity };
}

/**
 * The folder with the package's files, after getting it with npm when it is not there.
 * @throws when what npm brings is not what was pinned
 */
export function unpacked({ name, version, integrity }: NpmPackage): string {
  const folder = inCheckout('build/npm', `${name.replaceAll('/', '-')}-${version}`);
  if (existsSync(folder)) return path.join(folder, 'package');
  progress(`Getting ${name} ${version}`);
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const archive = path.join(fresh, run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', fresh, `${name}@${version}`]).trim());
  const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (hash !== integrity) throw new Error(`${name} ${version} is not what was pinned: ${hash} instead of ${integrity}`);
  run('tar', ['-xzf', archive, '-C', fresh]);
  rmSync(archive);
  renameSync(fresh, folder);
  return path.join(folder, 'package');
}
