import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

import { messageOf } from '../tools/progress.ts';
import { run } from '../tools/run.ts';
import type { Key } from './key.ts';

/** 40 hexadecimal digits. Shorter ids can be forged. */
const FINGERPRINT = /^[0-9A-F]{40}$/iu;

/** Signs with one key while it is open. */
export class GpgSigner {
  readonly fingerprint: string;
  readonly #home: string;
  readonly #password: readonly string[];

  private constructor(home: string, fingerprint: string, password: readonly string[]) {
    this.fingerprint = fingerprint;
    this.#home = home;
    this.#password = password;
  }

  /**
   * Opens a key for as long as `work` runs: that of a file with one secret key (`gpg --export-secret-keys`), in a keyring of
   * its own, which is gone afterwards, or one of the builder's keyring.
   * @throws {Error} when there is no such key, or its passphrase is wrong
   */
  static use<T>({ key, passwordFile }: Key, work: (signer: GpgSigner) => T): T {
    if (passwordFile !== undefined && !existsSync(passwordFile))
      throw new Error(`--gpg-password-file: there is no file ${passwordFile}`);
    const password =
      passwordFile === undefined
        ? []
        : ['--pinentry-mode', 'loopback', '--passphrase-file', path.resolve(passwordFile)];
    if (!existsSync(key)) {
      const home = process.env['GNUPGHOME'] ?? path.join(homedir(), '.gnupg');
      return work(new GpgSigner(home, keyInKeyring(home, key), password));
    }
    // In /tmp or the like: the path of the agent's socket has at most 107 bytes.
    const home = mkdtempSync(path.join(tmpdir(), 'probes-gpg-'));
    try {
      try {
        gpg(home, [...password, '--import', path.resolve(key)]);
      } catch (cause) {
        throw new Error(`--gpg-key: cannot read ${key}: ${messageOf(cause)}`, { cause });
      }
      const fingerprints = secretKeys(home);
      const [fingerprint] = fingerprints;
      if (fingerprint === undefined || fingerprints.length > 1)
        throw new Error(
          `--gpg-key: ${key} has ${fingerprints.length} secret keys, not one. gpg --export-secret-keys FINGERPRINT writes one.`,
        );
      return work(new GpgSigner(home, fingerprint, password));
    } finally {
      run('gpgconf', ['--homedir', home, '--kill', 'all']);
      rmSync(home, { recursive: true, force: true });
    }
  }

  /** The public key, armoured. */
  publicKey(): string {
    return gpg(this.#home, ['--armor', '--export', this.fingerprint]);
  }

  /** An armoured signature of a file, for a file of its own. */
  detached(file: string): string {
    return this.#sign('--detach-sign', file);
  }

  /** The text of a file, with its signature around it. */
  clearsigned(file: string): string {
    return this.#sign('--clearsign', file);
  }

  /** Puts a signature into an .rpm. */
  signRpm(file: string): void {
    const macros = {
      __gpg: '/usr/bin/gpg',
      _gpg_name: this.fingerprint,
      _gpg_path: this.#home,
      _gpg_digest_algo: 'sha512',
      _gpg_sign_cmd_extra_args: ['--batch', ...this.#password].join(' '),
    };
    run('rpmsign', [
      ...Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`]),
      '--addsign',
      file,
    ]);
  }

  #sign(how: string, file: string): string {
    return gpg(this.#home, [
      ...this.#password,
      '--local-user',
      this.fingerprint,
      '--digest-algo',
      'SHA512',
      '--armor',
      how,
      '--output',
      '-',
      file,
    ]);
  }
}

function keyInKeyring(home: string, key: string): string {
  if (!FINGERPRINT.test(key))
    throw new Error(`--gpg-key: expected a file or a fingerprint of 40 hexadecimal digits, and "${key}" is neither`);
  const fingerprint = key.toUpperCase();
  if (!existsSync(home) || !secretKeys(home).includes(fingerprint))
    throw new Error(`--gpg-key: the keyring in ${home} has no secret key ${fingerprint}`);
  return fingerprint;
}

/** Fingerprints of the primary keys. https://github.com/gpg/gnupg/blob/master/doc/DETAILS, "Format of the colon listings" */
function secretKeys(home: string): string[] {
  const records = gpg(home, ['--with-colons', '--list-secret-keys'])
    .split('\n')
    .map((line) => line.split(':'));
  return records.flatMap(([type], i) => {
    const fingerprint = type === 'sec' ? records[i + 1]?.[9] : undefined;
    return fingerprint === undefined ? [] : [fingerprint];
  });
}

function gpg(home: string, args: readonly string[]): string {
  return run('gpg', ['--homedir', home, '--batch', '--yes', '--no-tty', '--quiet', ...args]);
}
