import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';

/** How to sign for Windows. */
export interface Signing {
  /** PKCS #12 file with the certificate and its key. */
  readonly certificate: string;
  /** File whose first line is the password, so that no command line shows it. */
  readonly passwordFile?: string;
}

/** Signs an executable or installer in place (Authenticode, SHA-256). Needs osslsigncode. @throws {Error} */
export function sign(file: string, { certificate, passwordFile }: Signing): void {
  const signed = `${file}.signed`;
  const password = passwordFile === undefined ? [] : ['-readpass', passwordFile];
  const args = [
    'sign',
    '-pkcs12',
    certificate,
    ...password,
    '-h',
    'sha256',
    '-n',
    'Platform Probes',
    '-in',
    file,
    '-out',
    signed,
  ];
  const result = spawnSync('osslsigncode', args, { encoding: 'utf8' });
  if (result.status !== 0)
    throw new Error(
      `osslsigncode cannot sign ${file}: ${result.error?.message ?? (result.stderr.trim() || result.stdout.trim())}`,
    );
  renameSync(signed, file);
}
