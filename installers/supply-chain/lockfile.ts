import { readFileSync } from 'node:fs';

import { inCheckout } from '../tools/root-folder.ts';

/** A package of package-lock.json. */
export interface LockedPackage {
  /** Its folder, relative to the checkout: `node_modules/pino`. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** Hash of its archive: `sha512-` and base64. */
  readonly integrity: string;
  /** SPDX, as the package's authors say. */
  readonly license: string | undefined;
  /** Names of what it says that it uses. */
  readonly dependencies: readonly string[];
}

interface Entry {
  readonly name?: string;
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

let packages: Readonly<Record<string, Entry>> | undefined;

const entries = (): Readonly<Record<string, Entry>> =>
  (packages ??= (
    JSON.parse(readFileSync(inCheckout('package-lock.json'), 'utf8')) as { packages: Record<string, Entry> }
  ).packages);

/**
 * The package in a folder of node_modules.
 * @throws {Error} when the lockfile does not have it, or not its version and hash
 */
export function lockedIn(folder: string): LockedPackage {
  const { name, version, integrity, license, dependencies, optionalDependencies } = entries()[folder] ?? {};
  if (version === undefined || integrity === undefined) throw new Error(`package-lock.json does not pin ${folder}`);
  return {
    folder,
    name: name ?? folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version,
    integrity,
    license,
    dependencies: Object.keys({ ...dependencies, ...optionalDependencies }),
  };
}

/** The folder of the package that a file of node_modules belongs to; undefined for a file of our own. */
export function packageFolderOf(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/u.exec(file)?.[0];
}

/** The folder from which a package in a folder gets another one, as Node.js looks for it; undefined if it is not there. */
export function resolveFrom(folder: string, name: string): string | undefined {
  for (let base = `${folder}/`; base !== ''; base = base.slice(0, base.lastIndexOf('node_modules/'))) {
    const found = `${base}node_modules/${name}`;
    if (entries()[found] !== undefined) return found;
    if (!base.includes('node_modules/')) break;
  }
  return entries()[`node_modules/${name}`] === undefined ? undefined : `node_modules/${name}`;
}
