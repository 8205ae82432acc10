// npm run package -- --target NAME [--certificate FILE [--password-file FILE]]: makes the installer of a system in dist/, of this checkout's source.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { VERSION } from '../shared/version.ts';
import { sha256 } from './build/manifest.ts';
import { windowsTarget } from './build/programs.ts';
import { makeRelease } from './build/release.ts';
import { flatPackage } from './package/macos/flat-package.ts';
import { INSTALL_SCRIPTS, payload } from './package/macos/payload.ts';
import { buildMsi } from './package/windows/msi.ts';
import { complain, messageOf, progress } from './progress.ts';
import { inCheckout, ROOT } from './root-folder.ts';
import { ensureSystemPackages } from './system-packages.ts';

interface Signing {
  readonly certificate: string;
  readonly passwordFile?: string;
}

/** The installer of one system. */
interface PackageTarget {
  /** Its name in dist/. */
  readonly file: string;
  /** Whether it can be signed here. */
  readonly signs: boolean;
  /** Writes it to a path. */
  readonly make: (output: string, signing: Signing | undefined) => Promise<void>;
}

const windows: PackageTarget = {
  file: 'platform-probes.msi',
  signs: true,
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
  async make(output) {
    const contents = { payload: await payload(architecture), scripts: INSTALL_SCRIPTS };
    writeFileSync(output, flatPackage({ identifier: 'platform-probes', version: VERSION, ...contents, epoch: commitTime() }));
  },
});

const TARGETS: Readonly<Record<string, PackageTarget>> = { windows, 'macos-arm64': macos('arm64'), 'macos-x64': macos('x64') };

/** Of the commit that is checked out, in seconds since 1970, so that the same commit gives the same bytes. */
function commitTime(): number {
  return Number(execFileSync('git', ['-c', 'safe.directory=*', 'log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }));
}

try {
  const { values } = parseArgs({ options: { target: { type: 'string' }, certificate: { type: 'string' }, 'password-file': { type: 'string' } } });
  const { target: name, certificate, 'password-file': passwordFile } = values;
  const target = TARGETS[name ?? ''];
  if (target === undefined) throw new Error(`--target: expected one of ${Object.keys(TARGETS).join(', ')}, got ${name ?? 'nothing'}`);
  if (!target.signs && (certificate ?? passwordFile) !== undefined) throw new Error(`--certificate and --password-file: a package of ${name} is not signed here; sign it on a Mac`);
  const output = inCheckout('dist', target.file);
  mkdirSync(path.dirname(output), { recursive: true });
  await target.make(output, certificate === undefined ? undefined : { certificate, ...(passwordFile === undefined ? {} : { passwordFile }) });
  progress(`${path.relative(inCheckout(), output)} is ready`);
  process.stdout.write(`${sha256(readFileSync(output))}  ${path.relative(inCheckout(), output)}
`);
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
