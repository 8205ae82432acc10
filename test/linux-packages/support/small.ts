import { mkdirSync } from 'node:fs';
import path from 'node:path';

import type { PackageContents } from '../../../installers/linux/contents.ts';
import { debName, makeDeb } from '../../../installers/linux/deb.ts';
import { commonFiles, LIBEXEC } from '../../../installers/linux/payload.ts';
import { makeRpm, rpmName } from '../../../installers/linux/rpm.ts';

/** Packages with everything except the two programs, which are short scripts: made in a moment. */
export function smallContents(version: string, architecture: 'x64' | 'arm64' = 'x64'): PackageContents {
  const script = (name: string): Buffer => Buffer.from(`#!/bin/sh\necho "${name} ${version}"\n`);
  return {
    architecture,
    version,
    epoch: 1_795_352_083,
    payload: [
      ...commonFiles(),
      ...['probes-agent', 'probes-helper'].map((name) => ({
        path: `${LIBEXEC}/${name}`,
        mode: 0o755,
        data: script(name),
      })),
      // Files that an upgrade changes.
      { path: 'etc/platform-probes/example.conf', mode: 0o644, data: Buffer.from(`version: ${version}\n`) },
    ],
  };
}

/** Makes both packages of some versions in a folder. */
export function makeSmall(folder: string, ...versions: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  for (const version of versions) {
    const contents = smallContents(version);
    makeDeb(contents, path.join(folder, debName('x64', version)), folder);
    makeRpm(contents, path.join(folder, rpmName('x64', version)), folder);
  }
}
