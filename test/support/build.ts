import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { ROOT } from './repository.ts';

/** Of one file of a release. */
export interface ManifestEntry {
  readonly sha256: string;
  readonly size: number;
}

/** A file of dist/, which `npm test` builds before it runs any test. */
export function built(name: string): string {
  const file = path.join(ROOT, 'dist', name);
  if (!existsSync(file)) throw new Error(`dist/${name} is missing: run npm run build`);
  return file;
}

/** The sources that a program's bundle was made of, relative to the checkout. */
export function bundledSources(program: string): string[] {
  built(program);
  return JSON.parse(readFileSync(path.join(ROOT, 'build', `${program}.inputs.json`), 'utf8')) as string[];
}

/** Runs a script of a checkout with the Node.js that runs the tests; fails with what it printed. */
export function runScript(checkout: string, script: string, ...args: string[]): void {
  const run = spawnSync(process.execPath, [path.join(checkout, 'scripts', script), ...args], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${script} in ${checkout}: ${run.error?.message ?? run.stderr}`);
}

/** The manifest of a checkout's dist/. */
export function manifestOf(checkout: string): { files: Record<string, ManifestEntry>; version: string } {
  return JSON.parse(readFileSync(path.join(checkout, 'dist/manifest.json'), 'utf8')) as ReturnType<typeof manifestOf>;
}
