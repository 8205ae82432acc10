// npm run package: makes the installer of a system. `--help` lists the flags.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { VERSION } from '../shared/version.ts';
import { sha256 } from '../installers/programs/manifest.ts';
import { windowsTarget } from '../installers/programs/programs.ts';
import { makeRelease } from '../installers/programs/release.ts';
import { flatPackage } from '../installers/macos/flat-package.ts';
import { INSTALL_SCRIPTS, payload } from '../installers/macos/payload.ts';
import { imageArchive, NAME } from '../installers/image/image.ts';
import type { LinuxArchitecture } from '../installers/linux/payload.ts';
import { buildMsi } from '../installers/windows/msi.ts';
import type { Signing } from '../installers/windows/sign.ts';
import { complain, messageOf, progress } from '../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../installers/tools/system-packages.ts';

/** The installer of one system. */
interface PackageTarget {
  /** Its name in dist/. */
  readonly file: string;
  /** Whether it can be signed here. */
  readonly signs: boolean;
  /** Whether the same commit gives the same bytes. wixl gives every installer a number and a time of its own. */
  readonly reproducible: boolean;
  /** Writes it to a path. */
  readonly make: (output: string, signing: Signing | undefined) => Promise<void>;
}

const windows: PackageTarget = {
  file: 'platform-probes.msi',
  signs: true,
  reproducible: false,
  async make(output, signing) {
    const missing = ensureSystemPackages('msi');
    if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
    const files = await makeRelease(windowsTarget(), { force: false });
    buildMsi({ files, output, ...(signing === undefined ? {} : { signing }) });
  },
};

const macos = (architecture: 'arm64' | 'x64'): PackageTarget => ({
  file: `platform-probes-${VERSION}-macos-${architecture}.pkg`,
  signs: false,
  reproducible: true,
  async make(output) {
    const contents = { payload: await payload(architecture), scripts: INSTALL_SCRIPTS };
    writeFileSync(
      output,
      flatPackage({ identifier: 'platform-probes', version: VERSION, ...contents, epoch: commitTime() }),
    );
  },
});

const image = (name: string, architectures: readonly LinuxArchitecture[]): PackageTarget => ({
  file: `platform-probes-${VERSION}-${name}.tar`,
  signs: false,
  reproducible: true,
  async make(output) {
    const { archive, digest } = await imageArchive(architectures, { revision: commit('%H'), created: commitTime() });
    writeFileSync(output, archive);
    progress(`${NAME}:${VERSION} is ${digest}`);
  },
});

const TARGETS: Readonly<Record<string, PackageTarget>> = {
  windows,
  'macos-arm64': macos('arm64'),
  'macos-x64': macos('x64'),
  'image': image('image', ['x64', 'arm64']),
  'image-x64': image('image-x64', ['x64']),
  'image-arm64': image('image-arm64', ['arm64']),
};

/** The time of the checked-out commit, in seconds since 1970. It dates the package, so that one commit gives one result. */
const commitTime = (): number => Number(commit('%ct'));

/** Of the checked-out commit, in a format of git-log(1). */
function commit(format: string): string {
  return execFileSync('git', ['-c', 'safe.directory=*', 'log', '-1', `--format=${format}`], {
    cwd: ROOT,
    encoding: 'utf8',
  }).trim();
}

/** Makes the installer again and compares it with the one in dist/. @throws {Error} when they differ */
async function check({ file, reproducible, make }: PackageTarget): Promise<void> {
  const before = inCheckout('dist', file);
  if (!reproducible)
    throw new Error(`--check: ${file} differs each time it is made, and its contents do not: compare manifest.json`);
  if (!existsSync(before))
    throw new Error(
      `--check: there is no ${path.relative(inCheckout(), before)} to compare with. Make it first, without --check.`,
    );
  const again = `${before}.again`;
  try {
    await make(again, undefined);
    const [first, second] = [before, again].map((each) => sha256(readFileSync(each)));
    if (first !== second)
      throw new Error(
        `--check: ${file} made again differs: SHA-256 ${second}, before ${first}. Was the first made of another commit, or has the source changed since?`,
      );
    progress(`${file}: made again, the same bytes`);
  } finally {
    rmSync(again, { force: true });
  }
}

const HELP = `Usage: npm run package -- --target NAME [flags]

Makes the installer of a system in dist/, of this checkout's source, and prints its SHA-256.

  --target NAME         ${Object.keys(TARGETS).join(', ')}
  --certificate FILE    sign programs and installer with this PKCS #12 file (windows)
  --password-file FILE  whose first line is the certificate's password
  --check               make it again and compare it with the one in dist/ (macOS, images); exit code 1 when they differ
`;

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
  const target = TARGETS[name ?? ''];
  if (target === undefined)
    throw new Error(`--target: expected one of ${Object.keys(TARGETS).join(', ')}, got ${name ?? 'nothing'}`);
  if (!target.signs && (certificate ?? passwordFile) !== undefined)
    throw new Error(`--certificate and --password-file: ${name} cannot be signed here`);
  const output = inCheckout('dist', target.file);
  if (values.check === true) await check(target);
  else {
    mkdirSync(path.dirname(output), { recursive: true });
    await target.make(
      output,
      certificate === undefined ? undefined : { certificate, ...(passwordFile === undefined ? {} : { passwordFile }) },
    );
    progress(`${path.relative(inCheckout(), output)} is ready`);
  }
  process.stdout.write(`${sha256(readFileSync(output))}  ${path.relative(inCheckout(), output)}\n`);
}

try {
  await main();
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
