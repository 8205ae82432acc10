// npm run package: makes the installers of a system, or a repository of those for Linux. `--help` lists the flags.
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { checkPackages } from '../installers/check-package.ts';
import { PACKAGE_TARGETS, type PackageTarget } from '../installers/package-target.ts';
import { updateRepository } from '../installers/repository/repository.ts';
import type { Key } from '../installers/signing/key.ts';
import { fileHashes } from '../installers/tools/file-hashes.ts';
import { complain, messageOf, progress } from '../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../installers/tools/root-folder.ts';

const NAMES = Object.keys(PACKAGE_TARGETS).join(', ');

const HELP = `Usage: npm run package -- --target NAME [flags]
       npm run package -- --repository FOLDER [flags]

Makes the installers of a system in dist/, of this checkout's source, and prints their SHA-256.
Or adds all .deb and .rpm of dist/ to the apt and the rpm repository in FOLDER, which any web server can serve.

  --target NAME         ${NAMES}
  --check               make them again, elsewhere, and compare them with those in dist/; exit code 1 when they differ
  --repository FOLDER   add packages to apt/ and rpm/ in it; older versions stay

Keys are never made, only used. Without one, nothing is signed.

  --gpg-key KEY         sign the repositories and each .rpm in them: a file with a secret key, or the fingerprint of one in
                        your keyring
  --minisign-key FILE   sign SHA256SUMS (linux)
  --certificate FILE    sign programs and installer with this PKCS #12 file (windows)
  --gpg-password-file FILE, --minisign-password-file FILE, --password-file FILE
                        whose first line is the password of the key, or of the certificate
`;

const OPTIONS = {
  'target': { type: 'string' },
  'check': { type: 'boolean' },
  'repository': { type: 'string' },
  'gpg-key': { type: 'string' },
  'gpg-password-file': { type: 'string' },
  'minisign-key': { type: 'string' },
  'minisign-password-file': { type: 'string' },
  'certificate': { type: 'string' },
  'password-file': { type: 'string' },
  'help': { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];
type Flag = keyof Values;

/** @throws {Error} that names a flag that does not go with the command, or that lacks the key that it is for */
function checkFlags(values: Values, allowed: readonly Flag[], command: string): void {
  for (const flag of Object.keys(values) as Flag[]) {
    if (!allowed.includes(flag)) throw new Error(`--${flag} does not go with ${command}`);
    const key = PASSWORD_FILES.get(flag);
    if (key !== undefined && values[key] === undefined) throw new Error(`--${flag} needs --${key}`);
  }
}

/** The flags for password files, with those for the keys. */
const PASSWORD_FILES: ReadonlyMap<Flag, Flag> = new Map([
  ['gpg-password-file', 'gpg-key'],
  ['minisign-password-file', 'minisign-key'],
  ['password-file', 'certificate'],
]);

/** The key that a flag names, and its password file. */
function keyOf(values: Values, flag: 'gpg-key' | 'minisign-key' | 'certificate'): Key | undefined {
  const key = values[flag];
  const passwordFlag = [...PASSWORD_FILES].find(([, each]) => each === flag)?.[0];
  const passwordFile = passwordFlag && (values[passwordFlag] as string | undefined);
  return key === undefined ? undefined : { key, ...(passwordFile === undefined ? {} : { passwordFile }) };
}

/** Makes the installers beside their place, then puts them there, so that a failure leaves the earlier ones. */
async function make({ output, signedWith, make: write }: PackageTarget, key: Key | undefined): Promise<void> {
  const place = inCheckout('dist', output);
  const fresh = `${place}.new`;
  mkdirSync(path.dirname(place), { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
  try {
    await write(fresh, key);
    rmSync(place, { recursive: true, force: true });
    renameSync(fresh, place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  const unsigned = signedWith === undefined || key !== undefined ? '' : `. It is not signed: --${signedWith} does that`;
  progress(`${path.relative(ROOT, place)} is ready${unsigned}`);
}

async function runTarget(values: Values): Promise<void> {
  const name = values.target ?? '';
  const target = PACKAGE_TARGETS[name];
  if (target === undefined)
    throw new Error(`--target: expected one of ${NAMES}, got ${values.target ?? 'nothing'}. Or give --repository.`);
  const { output, signedWith } = target;
  const password = [...PASSWORD_FILES].filter(([, key]) => key === signedWith).map(([flag]) => flag);
  const signing = signedWith === undefined ? [] : [signedWith, ...password];
  const command = `--target ${name}${values.check === true ? ' --check' : ''}`;
  checkFlags(values, ['target', 'check', ...(values.check === true ? [] : signing)], command);
  if (values.check === true) {
    checkPackages(name, target);
    progress(`dist/${output}: made again, the same bytes`);
  } else await make(target, signedWith === undefined ? undefined : keyOf(values, signedWith));
  for (const [file, hash] of fileHashes(inCheckout('dist', output), ROOT)) process.stdout.write(`${hash}  ${file}\n`);
}

function runRepository(folder: string, values: Values): void {
  checkFlags(values, ['repository', 'gpg-key', 'gpg-password-file'], '--repository');
  const key = keyOf(values, 'gpg-key');
  const names = updateRepository(folder, inCheckout('dist'), key);
  progress(`${folder} has ${names.join(', ')}`);
  if (key === undefined) progress(`It is not signed, so apt refuses it. --gpg-key signs it.`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help === true) process.stdout.write(HELP);
  else if (values.repository !== undefined) runRepository(values.repository, values);
  else await runTarget(values);
}

try {
  await main();
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
