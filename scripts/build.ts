// npm run build [-- --force]: makes dist/, the files an installation consists of.
// A program is made again only when something that goes into it has changed.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import pkgPackage from 'pkg/package.json' with { type: 'json' };

import { bundle } from './build/bundle.ts';
import { executableOptions, makeExecutable } from './build/executable.ts';
import { manifestText, sha256 } from './build/manifest.ts';
import { assertSourcesExist, hostTarget, type Program, type Target } from './build/programs.ts';
import { isRunning } from './process-state.ts';
import { complain, messageOf, progress } from './progress.ts';
import { inCheckout } from './root-folder.ts';

const DIST = inCheckout('dist');
const BUILD = inCheckout('build');

/** Remembers of a finished program what went into it and what came out. */
interface Stamp {
  readonly inputs: string;
  readonly output: string;
}

async function buildProgram(program: Program, target: Target, work: string, force: boolean): Promise<void> {
  const { code, inputs: sources } = await bundle(program, target.platform);
  writeFileSync(path.join(BUILD, `${program.name}.cjs`), code);
  writeFileSync(path.join(BUILD, `${program.name}.inputs.json`), `${JSON.stringify(sources, undefined, 2)}\n`);

  const executable = path.join(DIST, program.name);
  const stampFile = path.join(BUILD, `${program.name}.stamp.json`);
  const inputs = sha256(JSON.stringify([sha256(code), process.version, pkgPackage.version, target.arch, executableOptions(program)]));
  if (!force && isUpToDate(executable, stampFile, inputs)) {
    progress(`dist/${program.name} is up to date`);
    return;
  }
  progress(`Building dist/${program.name}`);
  const made = await makeExecutable(program, target, code, work);
  chmodSync(made, 0o755);
  const stamp: Stamp = { inputs, output: sha256(readFileSync(made)) };
  // Renamed, because an executable that runs cannot be written.
  renameSync(made, executable);
  writeFileSync(stampFile, `${JSON.stringify(stamp)}\n`);
}

function isUpToDate(executable: string, stampFile: string, inputs: string): boolean {
  if (!existsSync(executable) || !existsSync(stampFile)) return false;
  const stamp = JSON.parse(readFileSync(stampFile, 'utf8')) as Partial<Stamp>;
  return stamp.inputs === inputs && stamp.output === sha256(readFileSync(executable));
}

/** Replaces a file at once and with a mode that does not depend on the umask. */
function place(name: string, work: string, write: (file: string) => void): void {
  const file = path.join(work, name);
  write(file);
  chmodSync(file, 0o644);
  renameSync(file, path.join(DIST, name));
}

/** Scratch folders are named for the process that uses them; one that was killed leaves its own behind. */
function removeStaleWork(): void {
  for (const name of readdirSync(BUILD)) {
    const pid = /^work-(\d+)$/u.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(path.join(BUILD, name), { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { force: { type: 'boolean', default: false } } });
  const target = hostTarget();
  assertSourcesExist(target);
  mkdirSync(DIST, { recursive: true });
  mkdirSync(BUILD, { recursive: true });
  removeStaleWork();
  const work = path.join(BUILD, `work-${process.pid}`);
  mkdirSync(work);
  try {
    for (const program of target.programs) await buildProgram(program, target, work, values.force);
    for (const { name, from } of target.copiedFiles) place(name, work, (file) => copyFileSync(from, file));
    const names = [...target.programs, ...target.copiedFiles].map(({ name }) => name);
    const manifest = manifestText(DIST, names);
    place('manifest.json', work, (file) => writeFileSync(file, manifest));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
