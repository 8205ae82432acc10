import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';

import { ROOT } from '../support/repository.ts';
import { OWN_AVA, sampleTest } from '../support/sample-test.ts';

/** Runs files as `npm test` does; gives the exit code and all that was printed. */
function runTests(
  files: readonly string[],
  silentSeconds = 60,
): { status: number | null; stdout: string; all: string } {
  const script = `
import { runAva } from ${JSON.stringify(path.join(ROOT, 'test/run/ava.ts'))};
import { Tally } from ${JSON.stringify(path.join(ROOT, 'test/run/tally.ts'))};
const tally = new Tally();
await runAva({ files: ${JSON.stringify(files)}, timeoutSeconds: 40 }, tally, ${silentSeconds});
tally.close();
`;
  const args = ['--input-type=module', '-e', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: OWN_AVA,
    encoding: 'utf8',
    timeout: 90_000,
  });
  return { status, stdout, all: stdout + stderr };
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

test('a run prints each result, the reasons of skips, the failures again, and the counts last', (t: ExecutionContext) => {
  const { status, stdout } = runTests(
    [
      sampleTest(
        t,
        `test('good', (t) => t.pass());
test('bad', (t) => t.is('expected', 'actual'));
test.skip('[skipped: needs nothing] left out', (t) => t.pass());
test.skip('left out silently', (t) => t.pass());
`,
      ),
    ],
    60,
  );
  t.is(status, 1);
  for (const line of [
    /^passed {3}good$/m,
    /^FAILED {3}bad$/m,
    /^ +- 'expected'$/m,
    /^skipped: left out\n {4}needs nothing$/m,
    /^FAILED: bad$/m,
  ])
    t.regex(stdout, line);
  t.is(lastLine(stdout), '1 passed, 2 failed, 1 skipped');
});

test('tests that all pass end with 0; no test at all does not', (t) => {
  const good = runTests([sampleTest(t, "test('good', (t) => t.pass());\n")], 60);
  t.deepEqual([good.status, lastLine(good.stdout)], [0, '1 passed, 0 failed, 0 skipped'], good.all);
  const none = runTests(['test/run/no-such.test.ts'], 60);
  t.is(none.status, 1, none.all);
  t.regex(lastLine(none.stdout), /^0 passed, [1-9]\d* failed/);
});

test('a run that says nothing for too long is interrupted and fails', (t) => {
  const { status, stdout, all } = runTests(
    [sampleTest(t, "test('hangs', async (t) => { t.pass(); await new Promise((end) => setTimeout(end, 1e9)); });\n")],
    3,
  );
  t.is(status, 1);
  t.regex(stdout, /^FAILED: the run$/m, all);
  t.regex(all, /reported nothing for 3 seconds/);
});
