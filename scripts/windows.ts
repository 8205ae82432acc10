// npm run test:windows [-- FILES…]: builds the Windows programs, sets up Wine, and runs them there.
import { spawnSync } from 'node:child_process';

import { complain, messageOf, progress } from './progress.ts';
import { inCheckout, ROOT } from './root-folder.ts';
import { ensureSystemPackages } from './system-packages.ts';

try {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('Wine runs these programs on 64-bit x86 under Linux');
  if (process.getuid?.() !== 0) throw new Error('a machine of its own for Wine takes root: sudo npm run test:windows');
  const missing = ensureSystemPackages('windows');
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
  progress('Running test/windows under Wine');
  const files = process.argv.slice(2);
  const args = [
    '--config',
    inCheckout('scripts/windows/ava.ts'),
    '--concurrency',
    '1',
    ...(files.length > 0 ? files : ['test/windows/*.windows.ts']),
  ];
  const run = spawnSync(process.execPath, [inCheckout('node_modules/ava/entrypoints/cli.js'), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  process.exitCode = run.status ?? 1;
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
