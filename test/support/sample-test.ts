import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';

import { ROOT } from './repository.ts';

let count = 0;

/**
 * A test file for a test of how tests are run. It is removed when `t` ends.
 * @param text without the import of AVA
 * @returns its path, relative to the checkout
 */
export function sampleTest(t: ExecutionContext, text: string): string {
  // AVA finds tests below test/ alone; Git ignores this name.
  const folder = path.join(ROOT, 'test/run', `sample-${process.pid}-${count++}.tmp`);
  mkdirSync(folder);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'sample.test.ts');
  writeFileSync(file, `import test from 'ava';\n${text}`);
  return path.relative(ROOT, file);
}

const { NODE_CHANNEL_FD: _, ...rest } = process.env;

/** The environment of an AVA that a test starts: without the channel to the AVA that runs the test. */
export const OWN_AVA: NodeJS.ProcessEnv = { ...rest, NO_COLOR: '1' };
