import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import pkgLog from 'pkg/lib-es5/log.js';
import pkgSea, { type SeaConfig } from 'pkg/lib-es5/sea.js';

import { assetOf, PAGE_FILES, type PageFile } from '../../agent/dashboard/assets.ts';
import { withoutSignature } from './pe-signature.ts';
import type { Program, Target } from './programs.ts';

/** The options that are baked into an executable. */
export function executableOptions(program: Program): SeaConfig & Record<string, unknown> {
  const assets = assetNames(program).map((name): [string, string] => [name, `../${name}`]);
  return {
    // Relative, because it becomes part of the executable: a checkout elsewhere gives the same bytes.
    main: `../${program.name}.cjs`,
    ...(assets.length === 0 ? {} : { assets: Object.fromEntries(assets) }),
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    // A code cache differs from build to build.
    useCodeCache: false,
    execArgv: program.nodeOptions,
    // Neither NODE_OPTIONS nor a command line can add to the options above.
    execArgvExtension: 'none',
  };
}

/** The names of everything in the executable besides its own code. */
const assetNames = ({ assets = [], page }: Program): string[] => [
  ...assets.map(({ name }) => name),
  ...(page === true ? (Object.keys(PAGE_FILES) as PageFile[]).map(assetOf) : []),
];

/**
 * Makes the executable of a bundle: Node.js with the bundle as one more section.
 * @param bundles the program's own code under its entry, and that of its assets under their names
 * @param folder scratch space of this build alone; the executable is made in it
 * @returns the executable's path
 */
export async function makeExecutable(
  program: Program,
  target: Target,
  bundles: ReadonlyMap<string, Uint8Array>,
  folder: string,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const bundle = path.join(folder, `${program.name}.cjs`);
  const output = path.join(folder, program.name);
  for (const [name, code] of bundles) writeFileSync(name === program.entry ? bundle : path.join(folder, name), code);
  // pkg works in a new folder inside TMPDIR; executableOptions() names the bundles relative to it. It keeps what it
  // fetches in HOME.
  const { TMPDIR, HOME } = process.env;
  process.env['TMPDIR'] = folder;
  process.env['HOME'] = folder;
  const platform = target.platform === 'win32' ? 'win' : target.platform;
  if (target.node !== undefined)
    placeNode(
      target.node,
      target.platform,
      path.join(folder, '.pkg-cache/sea', `node-${process.version}-${platform}-${target.arch}`),
    );
  // pkg prints its steps on standard output.
  pkgLog.log.info = () => {};
  try {
    await pkgSea.default(bundle, {
      targets: [{ nodeRange: `node${process.versions.node}`, platform, arch: target.arch, output }],
      useLocalNode: target.node === undefined,
      signature: false,
      seaConfig: executableOptions(program),
    });
  } finally {
    restore('TMPDIR', TMPDIR);
    restore('HOME', HOME);
  }
  return output;
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/** Puts another platform's Node.js where pkg keeps what it has fetched and checked, so that it fetches nothing. */
function placeNode(node: string, platform: Target['platform'], place: string): void {
  const windows = platform === 'win32';
  const [program, archive] = windows
    ? [`${place}.exe`, `${place}.zip`]
    : [path.join(place, 'bin/node'), `${place}.tar.gz`];
  const bytes = readFileSync(node);
  mkdirSync(path.dirname(program), { recursive: true });
  writeFileSync(program, windows ? withoutSignature(bytes) : bytes, { mode: 0o755 });
  for (const mark of [`${program}.ok`, archive, `${archive}.ok`]) writeFileSync(mark, '');
}
