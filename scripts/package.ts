// npm run package -- --target NAME [--certificate FILE [--password-file FILE]]: builds, and makes the installer of a system in dist/.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { buildMsi } from '../installers/windows/build.ts';
import { windowsTarget } from './build/programs.ts';
import { makeRelease } from './build/release.ts';
import { complain, messageOf, progress } from './progress.ts';
import { inCheckout } from './root-folder.ts';
import { ensureSystemPackages } from './system-packages.ts';

interface PackageOptions {
  readonly certificate?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** What makes the installer of each system. @returns its path */
const PACKAGERS: Readonly<Record<string, (options: PackageOptions) => Promise<string>>> = {
  async windows({ certificate, passwordFile }) {
    const missing = ensureSystemPackages('msi');
    if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
    const files = await makeRelease(windowsTarget(), { force: false });
    const output = inCheckout('dist/platform-probes.msi');
    mkdirSync(path.dirname(output), { recursive: true });
    const signing = certificate === undefined ? undefined : { certificate, ...(passwordFile === undefined ? {} : { passwordFile }) };
    buildMsi({ files, output, ...(signing === undefined ? {} : { signing }) });
    return output;
  },
};

try {
  const { values } = parseArgs({ options: { target: { type: 'string' }, certificate: { type: 'string' }, 'password-file': { type: 'string' } } });
  const packager = PACKAGERS[values.target ?? ''];
  if (packager === undefined) throw new Error(`--target: expected one of ${Object.keys(PACKAGERS).join(', ')}, got ${values.target ?? 'nothing'}`);
  const output = await packager({ certificate: values.certificate, passwordFile: values['password-file'] });
  progress(`${path.relative(inCheckout(), output)} is ready`);
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
