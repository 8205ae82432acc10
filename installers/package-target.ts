import { writeFileSync } from 'node:fs';

import { VERSION } from '../shared/version.ts';
import { makeLinuxPackages } from './linux/package.ts';
import { flatPackage } from './macos/flat-package.ts';
import { INSTALL_SCRIPTS, payload } from './macos/payload.ts';
import { windowsTarget } from './programs/programs.ts';
import { makeRelease } from './programs/release.ts';
import { sourceDate } from './tools/source-date.ts';
import { needSystemPackages } from './tools/system-packages.ts';
import { buildMsi } from './windows/msi.ts';
import type { Signing } from './windows/sign.ts';

/** The installers of one system. */
export interface PackageTarget {
  /** Their name in dist/: one file, or a folder of them. */
  readonly output: string;
  /** Whether programs and installer can be signed with --certificate. */
  readonly signs: boolean;
  /** Whether the same commit gives the same bytes. wixl gives every installer a number and a time of its own. */
  readonly reproducible: boolean;
  /** Makes them at a path at which there is nothing. */
  readonly make: (output: string, signing: Signing | undefined) => Promise<void>;
}

const windows: PackageTarget = {
  output: 'platform-probes.msi',
  signs: true,
  reproducible: false,
  async make(output, signing) {
    needSystemPackages('msi');
    const files = await makeRelease(windowsTarget(), { force: false });
    buildMsi({ files, output, ...(signing === undefined ? {} : { signing }) });
  },
};

const macos = (architecture: 'arm64' | 'x64'): PackageTarget => ({
  output: `platform-probes-${VERSION}-macos-${architecture}.pkg`,
  signs: false,
  reproducible: true,
  async make(output) {
    const contents = { payload: await payload(architecture), scripts: INSTALL_SCRIPTS };
    writeFileSync(
      output,
      flatPackage({ identifier: 'platform-probes', version: VERSION, ...contents, epoch: sourceDate() }),
    );
  },
});

const linux = (architecture: 'arm64' | 'x64'): PackageTarget => ({
  output: `packages-linux-${architecture}`,
  signs: false,
  reproducible: true,
  make: (output) => makeLinuxPackages(architecture, output),
});

/** By the name that --target takes. */
export const PACKAGE_TARGETS: Readonly<Record<string, PackageTarget>> = {
  'linux-x64': linux('x64'),
  'linux-arm64': linux('arm64'),
  windows,
  'macos-arm64': macos('arm64'),
  'macos-x64': macos('x64'),
};
