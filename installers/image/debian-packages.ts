import {
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';

import type { LinuxArchitecture } from '../linux/payload.ts';
import { sha256 } from '../programs/manifest.ts';
import { CACHE } from '../tools/cache.ts';
import { messageOf, progress } from '../tools/progress.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { run } from '../tools/run.ts';
import type { TreeEntry } from '../tools/tree.ts';

/** One package of Debian, pinned. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** The archive that has it: `debian` or `debian-security`. */
  readonly archive: string;
  /** Where it lies in its archive. */
  readonly filename: string;
  readonly sha256: string;
}

/** The contents of debian-packages.json. */
export interface DebianLock {
  readonly suite: string;
  /** By Debian's name of the architecture. */
  readonly packages: Readonly<Record<string, readonly LockedPackage[]>>;
}

export const LOCK_FILE = inCheckout('installers/image/debian-packages.json');

/** The command that pins what Debian has now. */
const RENEW = 'node scripts/with-node.mjs scripts/renew-image-base.ts';

/** Debian's name of each architecture; OCI images have the same ones. */
export const DEBIAN_NAMES: Readonly<Record<LinuxArchitecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The packages of an architecture. */
export function lockedPackages(architecture: LinuxArchitecture): readonly LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(LOCK_FILE, 'utf8')) as DebianLock;
  return packages[DEBIAN_NAMES[architecture]] ?? [];
}

/** The part of a package that goes into the image. */
export interface PackageContents {
  /** Its files and links, by the paths of the package. */
  readonly entries: readonly TreeEntry[];
  /** Its entry in a list of installed packages: deb-control(5). */
  readonly control: string;
}

/**
 * Opens a pinned package, after fetching it when it is not in the cache.
 * @param wanted patterns of the paths to take (path.matchesGlob)
 * @param mirrors the addresses at which archives are looked for, by archive
 * @throws {Error} when no mirror has it any more, or it is not what was pinned
 */
export function packageContents(
  locked: LockedPackage,
  wanted: readonly string[],
  mirrors: (archive: string) => readonly string[] = mirrorsOf,
): PackageContents {
  const file = fetched(locked, mirrors);
  const folder = mkdtempSync(path.join(path.dirname(file), 'unpacked-'));
  try {
    run('dpkg-deb', ['--extract', file, folder]);
    const entries = globSync('**/*', { cwd: folder, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
      .filter((name) => wanted.some((pattern) => path.matchesGlob(name, pattern)))
      .map((name) => entryOf(folder, name));
    return { entries, control: run('dpkg-deb', ['--field', file]) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function entryOf(folder: string, name: string): TreeEntry {
  const file = path.join(folder, name);
  const stats = lstatSync(file);
  return stats.isSymbolicLink()
    ? { path: name, mode: 0o777, link: readlinkSync(file) }
    : { path: name, mode: stats.mode & 0o755, data: readFileSync(file) };
}

/** The package's file in the cache. */
function fetched(locked: LockedPackage, mirrors: (archive: string) => readonly string[]): string {
  const folder = path.join(CACHE, 'debian');
  const file = path.join(folder, `${locked.sha256}.deb`);
  if (existsSync(file) && sha256(readFileSync(file)) === locked.sha256) return file;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(path.join(folder, 'fetch-'));
  try {
    const part = path.join(work, 'package.deb');
    download(locked, mirrors(locked.archive), part);
    renameSync(part, file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return file;
}

function download(locked: LockedPackage, mirrors: readonly string[], to: string): void {
  const { name, version, filename } = locked;
  const failures: string[] = [];
  for (const mirror of mirrors) {
    progress(`Fetching ${name} ${version}`);
    try {
      // apt's own client, so that its proxies and mirrors work here too.
      run('/usr/lib/apt/apt-helper', [
        '-o',
        'APT::Sandbox::User=root',
        'download-file',
        new URL(filename, mirror).href,
        to,
      ]);
      const hash = sha256(readFileSync(to));
      if (hash === locked.sha256) return;
      failures.push(`${mirror}: it is not what was pinned, SHA-256 ${hash} instead of ${locked.sha256}`);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new Error(
    `cannot get Debian's package ${name} ${version} (${filename}):\n  ${failures.join('\n  ')}\nMirrors keep the newest versions alone. Pin these with: ${RENEW}`,
  );
}

/** The addresses of an archive that this machine's own apt uses. Each ends in a slash. @throws {Error} when it uses none */
export function mirrorsOf(archive: string): readonly string[] {
  const uris = run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']).split('\n');
  const own = uris.map((uri) => uri.replace(/\/?$/u, '/')).filter((uri) => uri.endsWith(`/${archive}/`));
  if (own.length === 0) throw new Error(`none of this machine's apt sources has the archive "${archive}"; add one`);
  return [...new Set(own)];
}
