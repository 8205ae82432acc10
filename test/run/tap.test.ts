import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';

import { ROOT } from '../support/repository.ts';
import { OWN_AVA, sampleTest } from '../support/sample-test.ts';
import { avaArguments } from './ava.ts';
import { type Outcome, TapReader } from './tap.ts';

const REPORT = `noise
TAP version 13
ok 1 - exec-event › a number #1 is passed
#   a log line
not ok 2 - exits › one that fails
  ---
    name: AssertionError
  ...
# exits › afterEach.always hook for one that fails
# exits › after.always hook
#   what it logs
ok 3 - evasion › [skipped: needs tracefs] one that cannot run # SKIP
ok 4 - evasion › one without a reason # SKIP
not ok 5 - [skipped: not written yet] a plan # TODO

1..7
# tests 6
# pass 1
# skip 2
# fail 3

`;

function read(pieces: readonly string[]): { outcomes: Outcome[]; complete: boolean } {
  const outcomes: Outcome[] = [];
  const reader = new TapReader((outcome) => outcomes.push(outcome));
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return { outcomes, complete: reader.complete };
}

test('a report is read the same however it is cut into pieces', (t) => {
  const whole = read([REPORT]);
  t.true(whole.complete);
  t.deepEqual(
    whole.outcomes.map(({ title, result, reason, details }) => [title, result, reason ?? details.join('\n')]),
    [
      ['exec-event › a number #1 is passed', 'passed', '#   a log line'],
      ['exits › one that fails', 'failed', '  ---\n    name: AssertionError\n  ...'],
      ['evasion › one that cannot run', 'skipped', 'needs tracefs'],
      ['evasion › one without a reason', 'failed', '  It was skipped, and its title does not give a reason.'],
      ['a plan', 'skipped', 'not written yet'],
      ['tests that did not run', 'failed', '  AVA counts 1 more failures than it names.'],
    ],
  );
  for (let cut = 0; cut <= REPORT.length; cut++)
    t.deepEqual(read([REPORT.slice(0, cut), REPORT.slice(cut)]), whole, `cut at ${cut}`);
  t.deepEqual(read([...REPORT]), whole);
});

test('a report that breaks off is not complete, and what had ended is told', (t) => {
  const { outcomes, complete } = read([REPORT.slice(0, REPORT.indexOf('  ---'))]);
  t.false(complete);
  t.deepEqual(
    outcomes.map(({ title, result }) => [title, result]),
    [
      ['exec-event › a number #1 is passed', 'passed'],
      ['exits › one that fails', 'failed'],
    ],
  );
});

/** Runs a test file of its own, and gives what the reader makes of AVA's report. */
function outcomesOf(t: ExecutionContext, text: string): ReturnType<typeof read> {
  const run = avaArguments({ files: [sampleTest(t, text)], timeoutSeconds: 20 });
  return read([spawnSync(process.execPath, run, { cwd: ROOT, env: OWN_AVA, encoding: 'utf8' }).stdout]);
}

test('AVA reports what the reader expects: results, the line of a failure, a skip with its reason', (t) => {
  const { outcomes, complete } = outcomesOf(
    t,
    `test.beforeEach((t) => t.log('of a hook'));
test('good', (t) => { t.log('a log line'); t.pass(); });
test('bad', (t) => { t.deepEqual([1], [2]); });
test.skip('[skipped: needs nothing] left out', (t) => t.pass());
`,
  );
  t.true(complete);
  const found = new Map(outcomes.map((outcome) => [outcome.title, outcome]));
  t.deepEqual(
    ['good', 'bad', 'left out'].map((title) => found.get(title)?.result),
    ['passed', 'failed', 'skipped'],
  );
  t.is(outcomes.length, 3);
  t.deepEqual(found.get('good')?.details, ['#   a log line']);
  const details = found.get('bad')?.details.join('\n') ?? '';
  t.regex(details, /t\.deepEqual\(\)/);
  t.regex(details, /sample\.test\.ts:4:/);
  t.is(found.get('left out')?.reason, 'needs nothing');
});

for (const [what, body] of [
  ['a test that ends its process', 'process.exit(0);'],
  ['a test that waits for nothing', 'await new Promise(() => {});'],
  ['a test that hangs', 'await new Promise((end) => setTimeout(end, 1e9));'],
] as const) {
  test(`${what} is a failure with its name`, (t) => {
    const { outcomes } = outcomesOf(t, `test('the culprit', async (t) => { t.pass(); ${body} });\n`);
    t.true(
      outcomes.some(({ title, result }) => title === 'the culprit' && result === 'failed'),
      JSON.stringify(outcomes),
    );
  });
}

test('a file without a test, one that cannot be loaded, and one whose process is killed are failures', (t) => {
  for (const text of ['', "test('a', () => process.kill(process.pid, 'SIGKILL'));", "throw new Error('broken');\n"]) {
    const { outcomes } = outcomesOf(t, text);
    t.true(outcomes.length > 0);
    t.true(outcomes.every(({ result }) => result === 'failed'));
  }
});
