import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { LinuxArchitecture } from '../../installers/linux/payload.ts';
import { run } from '../../installers/tools/run.ts';
import { fixture, fixtureForArm } from '../support/fixtures.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';

/** Not copied: node_modules is shared from where it is, tests make no use of the others. */
const LEFT_OUT = new Set(['node_modules', '.git', 'build']);

/** Where the programs that tests execute lie, compiled for an architecture. */
const fixturesOf = (architecture: LinuxArchitecture): string =>
  inCheckout(architecture === process.arch ? 'build/fixtures' : `build/fixtures-${architecture}`);

/** Makes a call that other processors do not have. */
const X86_FIXTURE = 'exec-int80';

/** Compiles the programs that tests execute, because that takes long in the guest. */
export function compileFixtures(architecture: LinuxArchitecture): void {
  for (const file of globSync('test/integration/*.test.ts', { cwd: ROOT })) {
    for (const [, name = '', flags = ''] of readFileSync(inCheckout(file), 'utf8').matchAll(
      /\bfixture\('([\w-]+)'((?:, '[^']+')*)\)/gu,
    )) {
      const list = [...flags.matchAll(/'([^']+)'/gu)].map((match) => match[1] ?? '');
      if (architecture === process.arch) fixture(name, ...list);
      else if (name !== X86_FIXTURE) fixtureForArm(fixturesOf(architecture), name, ...list);
    }
  }
}

/**
 * Copies the checkout, so that every kernel gets the same, whatever changes meanwhile. Without its packages on this
 * machine's own architecture, which the guest has from where they are; else with those that package-lock.json names for
 * the other one.
 */
export function copyCheckout(to: string, architecture: LinuxArchitecture): void {
  mkdirSync(to);
  for (const name of readdirSync(ROOT)) {
    if (!LEFT_OUT.has(name))
      cpSync(inCheckout(name), path.join(to, name), { recursive: true, preserveTimestamps: true });
  }
  const fixtures = fixturesOf(architecture);
  if (existsSync(fixtures))
    cpSync(fixtures, path.join(to, 'build/fixtures'), { recursive: true, preserveTimestamps: true });
  if (architecture === process.arch) {
    mkdirSync(path.join(to, 'node_modules'));
    return;
  }
  const built = path.join(to, 'dist', `linux-${architecture}`);
  cpSync(built, path.join(to, 'dist'), { recursive: true, preserveTimestamps: true });
  const target = ['--os=linux', `--cpu=${architecture}`, '--libc=glibc'];
  run('npm', ['ci', ...target, '--include=dev', '--include=optional', '--no-audit', '--no-fund'], { cwd: to });
}
