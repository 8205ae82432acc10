import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { progress } from '../progress.ts';
import { inCheckout } from '../root-folder.ts';

/** What is fetched once and kept for all checkouts of this user. */
export const CACHE = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'platform-probes');

interface Locked {
  readonly version: string;
  readonly integrity: string;
}

/**
 * The folder of an npm package for another platform, which npm does not install here.
 * Version and hash are those of package-lock.json.
 */
export function packageForAnotherPlatform(name: string): string {
  const { packages } = JSON.parse(readFileSync(inCheckout('package-lock.json'), 'utf8')) as { packages: Record<string, Locked | undefined> };
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json does not have ${name}`);
  const folder = path.join(CACHE, 'npm', `${name.replaceAll('/', '+')}-${locked.version}`);
  if (existsSync(folder)) return path.join(folder, 'package');

  progress(`Fetching ${name} ${locked.version}`);
  mkdirSync(path.dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const archive = path.join(work, run('npm', ['pack', '--silent', '--pack-destination', work, `${name}@${locked.version}`]).trim());
    const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (hash !== locked.integrity) throw new Error(`${name} ${locked.version} is not what package-lock.json says: ${hash}`);
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
