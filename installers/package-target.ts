import { writeFileSync } from 'node:fs';

import { VERSION } from '../shared/version.ts';
import { imageArchive } from './image/image.ts';
import { NAME } from './linux/identity.ts';
import { makeLinuxPackages } from './linux/package.ts';
import type { LinuxArchitecture } from './linux/payload.ts';
import { flatPackage } from './macos/flat-package.ts';
import { INSTALL_SCRIPTS, payload } from './macos/payload.ts';
import { windowsTarget } from './programs/programs.ts';
import { makeRelease } from './programs/release.ts';
import type { Key } from './signing/key.ts';
import type { Builder } from './supply-chain/supply-chain.ts';
import { progress } from './tools/progress.ts';
import { sourceDate } from './tools/source-date.ts';
import { needSystemPackages } from './tools/system-packages.ts';
import { buildMsi } from './windows/msi.ts';

/** The installers of one system. */
export interface PackageTarget {
  /** Their name in dist/: one file, or a folder of them. */
  readonly output: string;
  /** The flag that names the key with which they can be signed here. */
  readonly signedWith?: 'certificate' | 'minisign-key';
  /** Whether the same commit gives the same bytes. wixl gives every installer a number and a time of its own. */
  readonly reproducible: boolean;
  /** Makes them at a path at which there is nothing. */
  readonly make: (output: string, key: Key | undefined, builder: Builder) => Promise<void>;
  /** Whether statements beside them say how they were made. */
  readonly provenance?: true;
}

const windows: PackageTarget = {
  output: 'platform-probes.msi',
  signedWith: 'certificate',
  reproducible: false,
  async make(output, key) {
    needSystemPackages('msi');
    const files = await makeRelease(windowsTarget(), { force: false });
    if (key === undefined) return buildMsi({ files, output });
    const { key: certificate, ...password } = key;
    buildMsi({ files, output, signing: { certificate, ...password } });
  },
};

const macos = (architecture: 'arm64' | 'x64'): PackageTarget => ({
  output: `platform-probes-${VERSION}-macos-${architecture}.pkg`,
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
  signedWith: 'minisign-key',
  reproducible: true,
  provenance: true,
  make: (output, key, builder) => makeLinuxPackages(architecture, output, key, builder),
});

const image = (name: string, architectures: readonly LinuxArchitecture[]): PackageTarget => ({
  output: `${NAME}-${VERSION}-${name}.tar`,
  reproducible: true,
  async make(output) {
    const { archive, digest } = await imageArchive(architectures, sourceDate());
    writeFileSync(output, archive);
    progress(`${NAME}:${VERSION} is ${digest}`);
  },
});

/** By the name that --target takes. */
export const PACKAGE_TARGETS: Readonly<Record<string, PackageTarget>> = {
  'linux-x64': linux('x64'),
  'linux-arm64': linux('arm64'),
  windows,
  'macos-arm64': macos('arm64'),
  'macos-x64': macos('x64'),
  'image': image('image', ['x64', 'arm64']),
  'image-x64': image('image-x64', ['x64']),
  'image-arm64': image('image-arm64', ['arm64']),
};
