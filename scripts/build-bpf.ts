// npm run build:bpf [-- --check]: compiles the probe program. With --check it only
// compares the result with the committed object and fails when they differ.
//
// One compiler gives one result: Debian 12's clang 14, which Ubuntu has as well.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { sha256 } from './build/manifest.ts';
import { complain, messageOf, progress } from './progress.ts';
import { inCheckout } from './root-folder.ts';
import { ensureSystemPackages } from './system-packages.ts';

const CLANG = 'clang-14';
const STRIP = 'llvm-strip-14';

/**
 * Compiles one source of a folder to an object whose bytes do not depend on
 * where the folder lies: line information names files relative to it.
 */
export function compileProbe(folder: string, source: string, output: string): void {
  const flags = ['-g', '-O2', '-Wall', '-Werror', '-target', 'bpf', '-D__TARGET_ARCH_x86'];
  run(
    CLANG,
    [...flags, '-fdebug-compilation-dir=.', `-ffile-prefix-map=${folder}=.`, '-c', source, '-o', output],
    folder,
  );
  // Takes out DWARF, which the kernel has no use for, and keeps BTF.
  run(STRIP, ['-g', output], folder);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
  if (result.error) throw new Error(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${command} failed in ${cwd}:\n${result.stderr.trim()}`);
}

/** Compiles every source of a folder; answers whether each committed object is what came out. */
function buildAll(folder: string, check: boolean): boolean {
  const work = mkdtempSync(path.join(tmpdir(), 'platform-probes-bpf-'));
  let same = true;
  try {
    for (const source of globSync('*.bpf.c', { cwd: folder }).toSorted()) {
      const name = source.replace(/\.c$/u, '.o');
      const made = path.join(work, name);
      compileProbe(folder, source, made);
      const madeHash = sha256(readFileSync(made));
      if (!check) {
        copyFileSync(made, path.join(folder, name));
        progress(`bpf/${name} ${madeHash}`);
        continue;
      }
      const committed = path.join(folder, name);
      const committedHash = existsSync(committed) ? sha256(readFileSync(committed)) : 'missing';
      if (committedHash === madeHash) {
        progress(`bpf/${name} is what its source compiles to: ${madeHash}`);
      } else {
        same = false;
        complain(`bpf/${name} is not what its source compiles to; npm run build:bpf makes it anew
  committed ${committedHash}
  compiled  ${madeHash}`);
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return same;
}

function main(): boolean {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const missing = ensureSystemPackages('probe object');
  if (missing.length > 0) throw new Error(`cannot compile the probe program without ${missing.join(', ')}`);
  return buildAll(inCheckout('bpf'), values.check);
}

if (import.meta.main) {
  try {
    process.exitCode = main() ? 0 : 1;
  } catch (error) {
    complain(messageOf(error));
    process.exitCode = 1;
  }
}
