import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'ava';

import { ROOT } from '../support/repository.ts';

test('every generated file is what npm run generate makes of its sources now', (t) => {
  const run = spawnSync(process.execPath, [path.join(ROOT, 'scripts/generate.ts'), '--check'], { encoding: 'utf8' });
  t.is(run.status, 0, run.stderr);
  t.true(run.stderr.includes('docs/kernels.md is up to date'), run.stderr);
});
