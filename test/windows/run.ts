// npm run test:windows [-- FILES…]: builds the Windows programs, sets up Wine, and runs test/windows there.
import { globSync } from 'node:fs';

import { messageOf, progress } from '../../installers/tools/progress.ts';
import { ROOT } from '../../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';
import { runAva } from '../run/ava.ts';
import { Tally } from '../run/tally.ts';

/** Wine is slow to start, and so are the programs in it. */
const TIMEOUT_SECONDS = 480;
const SILENCE_SECONDS = 540;

const tally = new Tally();
try {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('Wine runs these programs on 64-bit x86 under Linux');
  if (process.getuid?.() !== 0)
    throw new Error('root is needed to give Wine its own mounts: sudo npm run test:windows');
  const missing = ensureSystemPackages('windows');
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
  progress('Running test/windows under Wine');
  const chosen = process.argv.slice(2);
  const files = chosen.length > 0 ? chosen : globSync('test/windows/*.windows.ts', { cwd: ROOT }).toSorted();
  // Each test goes on with what the one before has built or installed.
  await runAva({ files, serial: true, failFast: true, timeoutSeconds: TIMEOUT_SECONDS }, tally, SILENCE_SECONDS);
} catch (error) {
  tally.fail('npm run test:windows', messageOf(error));
}
tally.close();
