// npm run build:bpf [-- --check]: compiles the probe program. With --check it only compares the result with the
// committed object, and fails when they differ.
import { copyFileSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { sha256 } from '../installers/programs/manifest.ts';
import { compileProbe } from '../installers/programs/probe-object.ts';
import { complain, messageOf, progress } from '../installers/tools/progress.ts';
import { inCheckout } from '../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../installers/tools/system-packages.ts';

const FOLDER = inCheckout('bpf');

/** Puts a compiled object where the committed one lies. */
function replace(name: string, made: string): void {
  copyFileSync(made, path.join(FOLDER, name));
  progress(`bpf/${name} ${sha256(readFileSync(made))}`);
}

/** Answers whether the committed object is what was compiled. */
function compare(name: string, made: string): boolean {
  const committed = path.join(FOLDER, name);
  const committedHash = existsSync(committed) ? sha256(readFileSync(committed)) : 'missing';
  const madeHash = sha256(readFileSync(made));
  if (committedHash === madeHash) {
    progress(`bpf/${name} is what its source compiles to: ${madeHash}`);
    return true;
  }
  complain(`bpf/${name} is not what its source compiles to; npm run build:bpf makes it anew
  committed ${committedHash}
  compiled  ${madeHash}`);
  return false;
}

const work = mkdtempSync(path.join(tmpdir(), 'platform-probes-bpf-'));
try {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const missing = ensureSystemPackages('probe object');
  if (missing.length > 0) throw new Error(`cannot compile the probe program without ${missing.join(', ')}`);
  for (const source of globSync('*.bpf.c', { cwd: FOLDER }).toSorted()) {
    const name = source.replace(/\.c$/u, '.o');
    const made = path.join(work, name);
    compileProbe(FOLDER, source, made);
    if (!values.check) replace(name, made);
    else if (!compare(name, made)) process.exitCode = 1;
  }
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
