// npm test [-- FILES…]: prepares the machine as far as it may, checks the source,
// builds, and runs every test this machine can run. With FILES (test files or
// folders) it builds and runs just those; those of test/endurance only then.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import path from 'node:path';

import { type RunReport, runAva } from './ava-run.ts';
import { CHECKS, passes } from './checks.ts';
import { mountTracing } from './kernel-mounts.ts';
import { complain, messageOf, progress } from './progress.ts';
import { inCheckout, ROOT } from './root-folder.ts';
import { ensureSystemPackages } from './system-packages.ts';

/** Tests that watch the whole kernel: they want a quiet machine, so they run last, one file at a time. */
const KERNEL_TESTS = ['test/integration/', 'test/endurance/'];

/** Tests that take many minutes. */
const LONG_TESTS = 'test/endurance/';

const REASON = /\s*\[skipped: (?<reason>[^\]]+)\]\s*/u;

if (process.env['CI']) process.env['NO_COLOR'] = '1';

const chosen = process.argv.slice(2);
let passed = 0;
let failed = 0;
const skipped: string[] = [];

const watchesKernel = (file: string): boolean => KERNEL_TESTS.some((folder) => file.startsWith(folder));

function count(name: string, ok: boolean): void {
  if (ok) passed++;
  else {
    failed++;
    complain(`${name} failed`);
  }
}

function add(report: RunReport): void {
  passed += report.passed;
  failed += report.failed;
  skipped.push(...report.skipped);
}

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

async function main(): Promise<void> {
  const files = testFiles();
  ensureSystemPackages('tests');
  mountTracing();

  if (chosen.length === 0) {
    for (const check of CHECKS) {
      progress(check.name);
      count(check.name, passes(check));
    }
  }

  const build = spawnSync(process.execPath, [inCheckout('scripts/build.ts')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  count('build', build.status === 0);

  const kernelTests = files.filter(watchesKernel);
  const otherTests = files.filter((file) => !watchesKernel(file));
  if (files.length === 0) count('finding a test file', false);
  if (otherTests.length > 0) {
    progress(`tests: ${otherTests.length} files`);
    add(await runAva(otherTests, []));
  }
  if (kernelTests.length > 0) {
    progress(`tests of the kernel and the whole product: ${kernelTests.length} files, one after the other`);
    add(await runAva(kernelTests, ['--concurrency', '1']));
  }

  for (const title of skipped) {
    const reason = REASON.exec(title)?.groups?.['reason'];
    process.stdout.write(`skipped: ${title.replace(REASON, ' ').trim()}\n    ${reason ?? 'no reason in its title'}\n`);
    if (reason === undefined) count(`the reason for skipping "${title}"`, false);
  }
}

try {
  await main();
} catch (error) {
  failed++;
  complain(messageOf(error));
}
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
