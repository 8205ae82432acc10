import { spawnSync } from 'node:child_process';

import { inCheckout, ROOT } from './root-folder.ts';

/** A check of the source text: it passes or fails as a whole. */
export interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

/** What `npm run lint` runs, and `npm test` before it runs tests. */
export const CHECKS: readonly Check[] = [
  { name: 'format', command: ['prettier/bin/prettier.cjs', '--check', '--log-level=warn', '**/*.{ts,mjs,json}'] },
  { name: 'lint', command: ['oxlint/bin/oxlint', '--deny-warnings'] },
  { name: 'types', command: ['typescript/bin/tsc', '--noEmit'] },
  { name: 'dead code', command: ['knip/bin/knip.js', '--no-progress'] },
];

/** Runs one check, its output going to ours; answers whether it passed. */
export function passes(check: Check): boolean {
  const [program, ...args] = check.command;
  // oxlint paints its report wherever CI is set, whatever NO_COLOR says.
  const { CI: _, ...env } = process.env;
  const run = spawnSync(process.execPath, [inCheckout('node_modules', program ?? ''), ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return run.status === 0;
}
