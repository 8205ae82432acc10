// npm run package [-- TARGET…]: makes installers in dist/packages/, of this checkout's source.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { VERSION } from '../shared/version.ts';
import { sha256 } from './build/manifest.ts';
import { flatPackage } from './package/macos/flat-package.ts';
import { INSTALL_SCRIPTS, payload } from './package/macos/payload.ts';
import { complain, messageOf, progress } from './progress.ts';
import { inCheckout, ROOT } from './root-folder.ts';

/** An installer: its file's name, and how its bytes are made. Dates in it are those of `epoch`, seconds since 1970. */
interface PackageTarget {
  readonly file: string;
  readonly make: (epoch: number) => Promise<Buffer>;
}

const macos = (architecture: 'arm64' | 'x64'): PackageTarget => ({
  file: `platform-probes-${VERSION}-macos-${architecture}.pkg`,
  make: async (epoch) => flatPackage({ identifier: 'platform-probes', version: VERSION, payload: await payload(architecture), scripts: INSTALL_SCRIPTS, epoch }),
});

const TARGETS: Readonly<Record<string, PackageTarget>> = { 'macos-arm64': macos('arm64'), 'macos-x64': macos('x64') };

/** Of the commit that is checked out, so that the same commit gives the same bytes. */
function commitTime(): number {
  return Number(execFileSync('git', ['-c', 'safe.directory=*', 'log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }));
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => TARGETS[name] === undefined);
  if (unknown !== undefined) throw new Error(`there is no target ${unknown}; there are ${Object.keys(TARGETS).join(', ')}`);
  const folder = inCheckout('dist/packages');
  mkdirSync(folder, { recursive: true });
  for (const [name, { file, make }] of Object.entries(TARGETS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    progress(`Making dist/packages/${file}`);
    const bytes = await make(commitTime());
    writeFileSync(path.join(folder, file), bytes);
    process.stdout.write(`${sha256(bytes)}  dist/packages/${file}\n`);
  }
}

try {
  await main();
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
