// npm run lint: checks the source without running it.
import { spawnSync } from 'node:child_process';

import { complain, progress } from '../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../installers/tools/root-folder.ts';

/** Each passes or fails as a whole. */
const CHECKS = [
  { name: 'format', command: ['prettier/bin/prettier.cjs', '--check', '--log-level=warn', '**/*.{ts,mjs,json}'] },
  { name: 'lint', command: ['oxlint/bin/oxlint', '--deny-warnings'] },
  { name: 'types', command: ['typescript/bin/tsc', '--noEmit'] },
  { name: 'types of the page', command: ['typescript/bin/tsc', '--noEmit', '--project', 'agent/page'] },
  { name: 'dead code', command: ['knip/bin/knip.js', '--no-progress'] },
] as const;

/** Runs a program of node_modules, its output going to ours; answers whether it passed. */
function passes([program, ...args]: readonly [string, ...string[]]): boolean {
  // oxlint paints its report wherever CI is set, whatever NO_COLOR says.
  const { CI: _, ...env } = process.env;
  const run = spawnSync(process.execPath, [inCheckout('node_modules', program), ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return run.status === 0;
}

const failed = CHECKS.filter(({ name, command }) => {
  progress(name);
  return !passes(command);
});
if (failed.length > 0) {
  complain(`failed: ${failed.map(({ name }) => name).join(', ')}`);
  process.exitCode = 1;
}
