// npm run build [-- --target NAME] [-- --force]: makes dist/, the files an installation consists of.
import { parseArgs } from 'node:util';

import { TARGETS } from '../installers/programs/programs.ts';
import { makeRelease } from '../installers/programs/release.ts';
import { complain, messageOf } from '../installers/tools/progress.ts';

try {
  const { values } = parseArgs({
    options: { target: { type: 'string', default: 'host' }, force: { type: 'boolean', default: false } },
  });
  const target = TARGETS[values.target];
  if (target === undefined)
    throw new Error(`--target: expected one of ${Object.keys(TARGETS).join(', ')}, got "${values.target}"`);
  await makeRelease(target(), { force: values.force });
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
