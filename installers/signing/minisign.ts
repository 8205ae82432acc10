import { closeSync, existsSync, openSync } from 'node:fs';

import { messageOf } from '../tools/progress.ts';
import { run } from '../tools/run.ts';
import { needSystemPackages } from '../tools/system-packages.ts';
import type { Key } from './key.ts';

/**
 * Signs a file with minisign: the signature is beside it, under its name with `.minisig`. The comment that is signed with
 * it says which release it is of.
 * @param key the file that `minisign -G` made
 * @throws {Error} when the key cannot be used
 */
export function minisign(file: string, comment: string, { key, passwordFile }: Key): void {
  if (!existsSync(key)) throw new Error(`--minisign-key: there is no file ${key}`);
  if (passwordFile !== undefined && !existsSync(passwordFile))
    throw new Error(`--minisign-password-file: there is no file ${passwordFile}`);
  needSystemPackages('packages');
  const password = openSync(passwordFile ?? '/dev/null', 'r');
  try {
    run('minisign', ['-S', '-s', key, '-m', file, '-t', comment], { stdio: [password, 'pipe', 'pipe'] });
  } catch (cause) {
    const hint = passwordFile === undefined ? ' If it has a password, give --minisign-password-file.' : '';
    throw new Error(`--minisign-key: ${key} cannot be used: ${messageOf(cause)}.${hint}`, { cause });
  } finally {
    closeSync(password);
  }
}
