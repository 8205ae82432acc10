import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** The checkout's top folder. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/**
 * The files that belong to the repository, those not yet added included; empty
 * outside a git checkout.
 */
export function repositoryFiles(): string[] {
  // The checkout may belong to someone else than who runs the tests.
  const git = spawnSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  if (git.status !== 0) return [];
  return git.stdout.split('\0').filter((file) => file !== '');
}
