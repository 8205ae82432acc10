import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import pkgLog from 'pkg/lib-es5/log.js';
import pkgSea, { type SeaConfig } from 'pkg/lib-es5/sea.js';

import type { Program, Target } from './programs.ts';

/** What goes into an executable beside the bundle and Node.js itself. */
export function executableOptions(program: Program): SeaConfig & Record<string, unknown> {
  return {
    // Relative, because it becomes part of the executable: a checkout elsewhere gives the same bytes.
    main: `../${program.name}.cjs`,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    // A code cache differs from build to build.
    useCodeCache: false,
    execArgv: program.nodeOptions,
    // Neither NODE_OPTIONS nor a command line can add to the options above.
    execArgvExtension: 'none',
  };
}

/**
 * Makes the executable of a bundle: the Node.js that runs this script, with the
 * bundle as one more section.
 * @param folder scratch space of this build alone; the executable is made in it
 * @returns the executable's path
 */
export async function makeExecutable(
  program: Program,
  target: Target,
  code: Uint8Array,
  folder: string,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const bundle = path.join(folder, `${program.name}.cjs`);
  const output = path.join(folder, program.name);
  writeFileSync(bundle, code);
  // pkg works in a new folder inside TMPDIR, from which executableOptions() names the bundle.
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = folder;
  // It also tells its steps on standard output; ours are told on standard error.
  pkgLog.log.info = () => {};
  try {
    await pkgSea.default(bundle, {
      targets: [{ nodeRange: `node${process.versions.node}`, platform: target.platform, arch: target.arch, output }],
      useLocalNode: true,
      signature: false,
      seaConfig: executableOptions(program),
    });
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
  return output;
}
