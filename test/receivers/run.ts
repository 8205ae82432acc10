// npm run test:receivers: installs servers of others that take events, and runs the agent against them. Not part of npm
// test, since their packages start services on the machine.
import { spawnSync } from 'node:child_process';

import { complain } from '../../installers/tools/progress.ts';
import { inCheckout } from '../../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';

const missing = ensureSystemPackages('receivers');
if (missing.length > 0) {
  complain(`these system packages are missing: ${missing.join(', ')}`);
  process.exitCode = 1;
} else {
  const { status } = spawnSync(process.execPath, [inCheckout('test/run.ts'), 'test/receivers'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
