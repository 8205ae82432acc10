// npm test [-- FILES…]: prepares the machine, checks the source, builds, and runs every test that this machine can run.
// With FILES (test files or folders) it builds and runs those alone; test/endurance runs only that way.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import path from 'node:path';

import { mountTracing } from '../installers/tools/kernel-mounts.ts';
import { messageOf, progress } from '../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../installers/tools/system-packages.ts';
import { runAva } from './run/ava.ts';
import { Tally } from './run/tally.ts';

/** Tests that take many minutes. */
const LONG_TESTS = 'test/endurance/';
const LONG_SILENCE_SECONDS = 1800;

/** Tests that watch the whole kernel. They need a quiet machine, so they run last, one file after the other. */
const KERNEL_TESTS = ['test/integration/', LONG_TESTS];

if (process.env['CI']) process.env['NO_COLOR'] = '1';

const chosen = process.argv.slice(2);
const tally = new Tally();

const watchesKernel = (file: string): boolean => KERNEL_TESTS.some((folder) => file.startsWith(folder));

function testFiles(): string[] {
  if (chosen.length === 0)
    return globSync('test/**/*.test.ts', { cwd: ROOT })
      .filter((file) => !file.startsWith(LONG_TESTS))
      .toSorted();
  return chosen.flatMap((argument) => {
    const file = path.relative(ROOT, path.resolve(argument));
    if (!existsSync(inCheckout(file))) throw new Error(`${argument}: no such test file or folder`);
    if (!statSync(inCheckout(file)).isDirectory()) return [file];
    return globSync(`${file}/**/*.test.ts`, { cwd: ROOT }).toSorted();
  });
}

/** Runs a script of this project; answers whether it ended well. */
function succeeds(script: string): boolean {
  return spawnSync(process.execPath, [inCheckout(script)], { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

async function main(): Promise<void> {
  const files = testFiles();
  ensureSystemPackages('tests');
  mountTracing();

  if (chosen.length === 0) tally.count('npm run lint', succeeds('scripts/lint.ts'));
  tally.count('npm run build', succeeds('scripts/build.ts'));

  const kernelTests = files.filter(watchesKernel);
  const otherTests = files.filter((file) => !watchesKernel(file));
  if (files.length === 0) tally.fail(chosen.join(' '), 'there is no test file');
  if (otherTests.length > 0) {
    progress(`tests: ${otherTests.length} files`);
    await runAva({ files: otherTests }, tally);
  }
  if (kernelTests.length > 0) {
    progress(`tests of the kernel and the whole product: ${kernelTests.length} files, one after the other`);
    const long = kernelTests.some((file) => file.startsWith(LONG_TESTS));
    await runAva({ files: kernelTests, serial: true }, tally, long ? LONG_SILENCE_SECONDS : undefined);
  }
}

try {
  await main();
} catch (error) {
  tally.fail('npm test', messageOf(error));
}
tally.close();
