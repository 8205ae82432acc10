import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { fixture } from '../support/fixtures.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';

/** Not copied: node_modules is shared from where it is, tests make no use of the others. */
const LEFT_OUT = new Set(['node_modules', '.git', 'build']);

/** Compiles the programs that tests execute, because that takes long in the guest. */
export function compileFixtures(): void {
  for (const file of globSync('test/integration/*.test.ts', { cwd: ROOT })) {
    for (const [, name = '', flags = ''] of readFileSync(inCheckout(file), 'utf8').matchAll(
      /\bfixture\('([\w-]+)'((?:, '[^']+')*)\)/gu,
    )) {
      fixture(name, ...[...flags.matchAll(/'([^']+)'/gu)].map((match) => match[1] ?? ''));
    }
  }
}

/** Copies the checkout, so that every kernel gets the same, whatever changes meanwhile. */
export function copyCheckout(to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(ROOT)) {
    if (!LEFT_OUT.has(name))
      cpSync(inCheckout(name), path.join(to, name), { recursive: true, preserveTimestamps: true });
  }
  for (const folder of ['build/fixtures']) {
    if (existsSync(inCheckout(folder)))
      cpSync(inCheckout(folder), path.join(to, folder), { recursive: true, preserveTimestamps: true });
  }
  mkdirSync(path.join(to, 'node_modules'));
}
