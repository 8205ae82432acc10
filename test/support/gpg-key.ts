import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { run } from '../../installers/tools/run.ts';

/** A new secret key for signing, armoured. @param password of the key */
export function makeGpgKey(password: string): string {
  // In /tmp: the path of gpg's socket has at most 107 bytes.
  const home = mkdtempSync(path.join(tmpdir(), 'probes-home-'));
  try {
    writeFileSync(path.join(home, 'password'), password);
    const gpg = (...args: string[]): string =>
      run(
        'gpg',
        `--homedir ${home} --batch --quiet --pinentry-mode loopback --passphrase-file ${home}/password`
          .split(' ')
          .concat(args),
      );
    gpg('--quick-generate-key', 'Test of the repository', 'rsa2048', 'sign', 'never');
    return gpg('--armor', '--export-secret-keys');
  } finally {
    run('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true, force: true });
  }
}
