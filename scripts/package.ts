// npm run package: makes the installers of a system. `--help` lists the flags.
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { checkPackages } from '../installers/check-package.ts';
import { PACKAGE_TARGETS, type PackageTarget } from '../installers/package-target.ts';
import { fileHashes } from '../installers/tools/file-hashes.ts';
import { complain, messageOf, progress } from '../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../installers/tools/root-folder.ts';
import type { Signing } from '../installers/windows/sign.ts';

const NAMES = Object.keys(PACKAGE_TARGETS).join(', ');

const HELP = `Usage: npm run package -- --target NAME [flags]

Makes the installers of a system in dist/, of this checkout's source, and prints their SHA-256.

  --target NAME         ${NAMES}
  --certificate FILE    sign programs and installer with this PKCS #12 file (windows)
  --password-file FILE  whose first line is the certificate's password
  --check               make them again, elsewhere, and compare them with those in dist/; exit code 1 when they differ
`;

/** Makes the installers beside their place, then puts them there, so that a failure leaves the earlier ones. */
async function make({ output, make: write }: PackageTarget, signing: Signing | undefined): Promise<void> {
  const place = inCheckout('dist', output);
  const fresh = `${place}.new`;
  mkdirSync(path.dirname(place), { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
  try {
    await write(fresh, signing);
    rmSync(place, { recursive: true, force: true });
    renameSync(fresh, place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  progress(`${path.relative(ROOT, place)} is ready`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'target': { type: 'string' },
      'certificate': { type: 'string' },
      'password-file': { type: 'string' },
      'check': { type: 'boolean' },
      'help': { type: 'boolean' },
    },
  });
  if (values.help === true) return void process.stdout.write(HELP);
  const { 'target': name, certificate, 'password-file': passwordFile } = values;
  const target = PACKAGE_TARGETS[name ?? ''];
  if (name === undefined || target === undefined)
    throw new Error(`--target: expected one of ${NAMES}, got ${name ?? 'nothing'}`);
  if (!target.signs && (certificate ?? passwordFile) !== undefined)
    throw new Error(
      `--certificate and --password-file: a package for ${name} cannot be signed so; they are for windows`,
    );
  if (values.check === true) {
    checkPackages(name, target);
    progress(`dist/${target.output}: made again, the same bytes`);
  } else {
    const passwords = passwordFile === undefined ? {} : { passwordFile };
    await make(target, certificate === undefined ? undefined : { certificate, ...passwords });
  }
  for (const [file, hash] of fileHashes(inCheckout('dist', target.output), ROOT))
    process.stdout.write(`${hash}  ${file}\n`);
}

try {
  await main();
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
