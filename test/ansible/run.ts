// npm run test:ansible: runs the Ansible role in a Debian of its own. Not part of npm test: it takes minutes.
import { globSync } from 'node:fs';

import { messageOf, progress } from '../../installers/tools/progress.ts';
import { ROOT } from '../../installers/tools/root-folder.ts';
import { needSystemPackages } from '../../installers/tools/system-packages.ts';
import { runAva } from '../run/ava.ts';
import { Tally } from '../run/tally.ts';

/** The first run makes the Debian. */
const TIMEOUT_SECONDS = 900;

const tally = new Tally();
try {
  for (const purpose of ['ansible', 'packages'] as const) needSystemPackages(purpose);
  progress('Running test/ansible');
  const files = globSync('test/ansible/*.{test,ansible}.ts', { cwd: ROOT }).toSorted();
  await runAva({ files, serial: true, timeoutSeconds: TIMEOUT_SECONDS }, tally, TIMEOUT_SECONDS);
} catch (error) {
  tally.fail('npm run test:ansible', messageOf(error));
}
tally.close();
