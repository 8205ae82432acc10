import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import pkgPackage from 'pkg/package.json' with { type: 'json' };

import { isRunning } from '../tools/process-state.ts';
import { progress } from '../tools/progress.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { bundle } from './bundle.ts';
import { executableOptions, makeExecutable } from './executable.ts';
import { manifestText, sha256 } from './manifest.ts';
import { assetOf } from '../../agent/dashboard/assets.ts';
import { placePage } from './page.ts';
import { assertSourcesExist, type Program, type Target } from './programs.ts';

/** The folders of a target: its files, and those of the build. */
interface Places {
  readonly dist: string;
  readonly build: string;
  /** Scratch folder of this run. */
  readonly work: string;
}

/** Hashes of what went into a finished program, and of the program. */
interface Stamp {
  readonly inputs: string;
  readonly output: string;
}

/**
 * Makes all files of a target, in dist/ and its folder there. A program is made again only when
 * something that goes into it has changed.
 * @param force make it anyway
 * @returns the folder
 */
export async function makeRelease(target: Target, { force }: { force: boolean }): Promise<string> {
  assertSourcesExist(target);
  const build = inCheckout('build', target.folder);
  const places: Places = {
    dist: inCheckout('dist', target.folder),
    build,
    work: path.join(build, `work-${process.pid}`),
  };
  mkdirSync(places.dist, { recursive: true });
  mkdirSync(build, { recursive: true });
  removeStaleWork(build);
  mkdirSync(places.work);
  try {
    for (const program of target.programs) await buildProgram(program, target, places, force);
    for (const { name, from } of target.copiedFiles) place(name, places, (file) => copyFileSync(from, file));
    const names = [...target.programs, ...target.copiedFiles].map(({ name }) => name);
    const manifest = manifestText(places.dist, names);
    place('manifest.json', places, (file) => writeFileSync(file, manifest));
  } finally {
    rmSync(places.work, { recursive: true, force: true });
  }
  return places.dist;
}

async function buildProgram(
  program: Program,
  target: Target,
  { dist, build, work }: Places,
  force: boolean,
): Promise<void> {
  const name = path.basename(program.name, '.exe');
  const { code, inputs: sources } = await bundle(program, target.platform);
  const bundles = new Map([[program.entry, code]]);
  for (const asset of program.assets ?? []) bundles.set(asset.name, (await bundle(asset, target.platform)).code);
  if (program.page === true) for (const [file, bytes] of await placePage()) bundles.set(assetOf(file), bytes);
  writeFileSync(path.join(build, `${name}.cjs`), code);
  writeFileSync(path.join(build, `${name}.inputs.json`), `${JSON.stringify(sources, undefined, 2)}\n`);

  const executable = path.join(dist, program.name);
  const stampFile = path.join(build, `${name}.stamp.json`);
  const hashes = [...bundles].map(([file, bytes]) => [file, sha256(bytes)]);
  const inputs = sha256(
    JSON.stringify([
      hashes,
      process.version,
      pkgPackage.version,
      target.platform,
      target.arch,
      executableOptions(program),
    ]),
  );
  const shown = path.relative(inCheckout(), executable);
  if (!force && isUpToDate(executable, stampFile, inputs)) {
    progress(`${shown} is up to date`);
    return;
  }
  progress(`Building ${shown}`);
  const made = await makeExecutable(program, target, bundles, work);
  chmodSync(made, 0o755);
  const stamp: Stamp = { inputs, output: sha256(readFileSync(made)) };
  // Renamed, because a running executable cannot be written.
  renameSync(made, executable);
  writeFileSync(stampFile, `${JSON.stringify(stamp)}\n`);
}

function isUpToDate(executable: string, stampFile: string, inputs: string): boolean {
  if (!existsSync(executable) || !existsSync(stampFile)) return false;
  const stamp = JSON.parse(readFileSync(stampFile, 'utf8')) as Partial<Stamp>;
  return stamp.inputs === inputs && stamp.output === sha256(readFileSync(executable));
}

/** Replaces a file in one step, with a mode that does not depend on the umask. */
function place(name: string, { dist, work }: Places, write: (file: string) => void): void {
  const file = path.join(work, name);
  write(file);
  chmodSync(file, 0o644);
  renameSync(file, path.join(dist, name));
}

/** Removes scratch folders, which are named after their process, of builds that were killed. */
function removeStaleWork(build: string): void {
  for (const name of readdirSync(build)) {
    const pid = /^work-(\d+)$/u.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(path.join(build, name), { recursive: true, force: true });
  }
}
