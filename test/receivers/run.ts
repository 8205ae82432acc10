// npm run test:receivers [-- FILES…]: installs servers of others that take events, and runs the agent against them. Not
// part of npm test: their packages are large and start services.
import { globSync } from 'node:fs';

import { messageOf, progress } from '../../installers/tools/progress.ts';
import { ROOT } from '../../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';
import { runAva } from '../run/ava.ts';
import { Tally } from '../run/tally.ts';

const TIMEOUT_SECONDS = 240;
const SILENCE_SECONDS = 300;

const tally = new Tally();
try {
  const missing = ensureSystemPackages('receivers');
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
  progress('Running test/receivers');
  const chosen = process.argv.slice(2);
  const files = chosen.length > 0 ? chosen : globSync('test/receivers/*.receiver.ts', { cwd: ROOT }).toSorted();
  await runAva({ files, serial: true, timeoutSeconds: TIMEOUT_SECONDS }, tally, SILENCE_SECONDS);
} catch (error) {
  tally.fail('npm run test:receivers', messageOf(error));
}
tally.close();
