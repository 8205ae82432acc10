import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';

import { linesFrom } from '../support/lines.ts';
import { ROOT } from '../support/repository.ts';
import { OWN_AVA, sampleTest } from '../support/sample-test.ts';

/** A script that runs tests begins like this. */
const BEGINNING = `
import { runAva } from ${JSON.stringify(path.join(ROOT, 'test/run/ava.ts'))};
import { Tally } from ${JSON.stringify(path.join(ROOT, 'test/run/tally.ts'))};
const tally = new Tally();`;

/** Runs files as `npm test` does; gives the exit code and all that was printed. */
function runTests(
  files: readonly string[],
  silentSeconds = 60,
): { status: number | null; stdout: string; all: string } {
  const script = `${BEGINNING}
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

test('a signal ends the run after AVA has ended, and nothing else is run', async (t) => {
  const first = sampleTest(
    t,
    `test('ends', (t) => t.pass());
test('ends too', (t) => t.pass());
test('goes on', async (t) => { t.pass(); await new Promise((end) => setTimeout(end, 1e9)); });
`,
  );
  const script = `${BEGINNING}
try {
  await runAva({ files: [${JSON.stringify(first)}] }, tally);
  console.log('another run');
} catch (error) {
  tally.fail('the run', error.message);
}
tally.close();
`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env: OWN_AVA });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = linesFrom(child.stdout);
  const errors = linesFrom(child.stderr);
  // The first is told when the second has ended.
  for (let waited = 0; waited < 60_000 && !lines.includes('passed   ends'); waited += 50) await delay(50);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'close')) as [number | null];
  t.is(code, 1);
  t.true(
    errors.some((line) => line.endsWith('the run: interrupted by SIGTERM')),
    errors.join('\n'),
  );
  t.false(lines.includes('another run'));
  t.regex(lines.at(-1) ?? '', /^2 passed, [1-9]\d* failed, 0 skipped$/);
});
