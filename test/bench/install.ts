import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

import { progress } from '../../installers/tools/progress.ts';

let updated = false;

/** Installs Debian packages that are not there. @returns what went wrong, or undefined */
export function install(...packages: readonly string[]): string | undefined {
  const missing = packages.filter((name) => versionOf(name) === undefined);
  if (missing.length === 0) return undefined;
  return unlessUpdated() ?? aptGet(['install', '--yes', '--no-install-recommends', ...missing]);
}

/**
 * Unpacks a Debian package into a folder without installing it: a service that
 * is installed is also started, at every boot.
 * @returns what went wrong, or undefined
 */
export function unpack(name: string, folder: string): string | undefined {
  if (existsSync(path.join(folder, 'usr'))) return undefined;
  mkdirSync(folder, { recursive: true });
  const failure = unlessUpdated() ?? aptGet(['download', name], folder);
  if (failure !== undefined) return failure;
  for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.deb'))) {
    const run = spawnSync('dpkg-deb', ['-x', file, folder], { cwd: folder, encoding: 'utf8' });
    if (run.status !== 0) return `dpkg-deb: ${run.stderr.trim()}`;
    rmSync(path.join(folder, file));
  }
  return undefined;
}

/** The version of an installed Debian package. */
export function versionOf(name: string): string | undefined {
  const run = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name], { encoding: 'utf8' });
  return /^installed (?<version>.+)$/.exec(run.stdout ?? '')?.groups?.['version'];
}

/** The version that would be downloaded. */
export function candidateOf(name: string): string {
  const run = spawnSync('apt-cache', ['policy', name], { encoding: 'utf8' });
  return /Candidate: (?<version>\S+)/.exec(run.stdout ?? '')?.groups?.['version'] ?? '?';
}

function unlessUpdated(): string | undefined {
  if (updated) return undefined;
  if (!/^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8')))
    return 'not installed, and this is not Debian';
  updated = true;
  return aptGet(['update']);
}

function aptGet(args: readonly string[], cwd = '/'): string | undefined {
  progress(`apt-get ${args.join(' ')}`);
  const run = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3', ...args], {
    cwd,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (run.status === 0) return undefined;
  return `apt-get ${args[0]}: ${run.error?.message ?? run.stderr.trim().split('\n')[0] ?? `exit code ${run.status}`}`;
}
