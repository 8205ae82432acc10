import test from 'ava';
import { writeResults } from '../../scripts/kernels/document.ts';
import { Matrix } from '../../scripts/kernels/matrix.ts';
import { type Outcome, TapReader } from '../../scripts/kernels/tap.ts';

const REPORT = `noise
TAP version 13
ok 1 - exec-event › a number \\#1 is passed
#   a log line
not ok 2 - exits › one that fails
  ---
    name: AssertionError
  ...
ok 3 - evasion › [skipped: needs tracefs] one that cannot run # SKIP

1..3
# tests 3
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
    whole.outcomes.map(({ title, result, details }) => [title, result, details.filter((line) => line !== '')]),
    [
      ['exec-event › a number #1 is passed', 'passed', ['#   a log line']],
      ['exits › one that fails', 'failed', ['  ---', '    name: AssertionError', '  ...']],
      ['evasion › [skipped: needs tracefs] one that cannot run', 'skipped', []],
    ],
  );
  t.deepEqual(read([...REPORT]), whole);
});

test('a report that breaks off is not complete, and what had ended is told', (t) => {
  const { outcomes, complete } = read([REPORT.slice(0, REPORT.indexOf('  ---'))]);
  t.false(complete);
  t.is(outcomes.length, 2);
});

test('the table has a row for each test, a column for each kernel, and the reasons for what was skipped', (t) => {
  const matrix = new Matrix();
  for (const release of ['5.10', '6.12']) matrix.addKernel(release);
  matrix.add('5.10', 'exits › a', 'passed');
  matrix.add('6.12', 'exits › a', 'failed');
  matrix.add('5.10', 'audit › [skipped: needs 5.15] b | c', 'skipped');
  matrix.add('6.12', 'audit › b | c', 'passed');
  matrix.add('6.12', 'only here', 'passed');
  t.is(
    matrix.toString(),
    `| test           | 5.10    | 6.12   |
|----------------|---------|--------|
| exits › a      | passed  | FAILED |
| audit › b \\| c | skipped | passed |
| only here      | not run | passed |

Skipped: audit › b | c, 5.10: needs 5.15.`,
  );
  t.deepEqual([matrix.count('passed'), matrix.count('failed'), matrix.count('skipped')], [3, 1, 1]);
});

test('results go where the page has their place, and nowhere else', (t) => {
  const matrix = new Matrix();
  const page =
    'before\n<!-- results: written by npm run test:kernels -- --document -->\nold\n<!-- end of results -->\nafter\n';
  const written = writeResults(page, matrix, 'ab'.repeat(32));
  t.regex(
    written,
    /^before\n<!-- results: .* -->\n\nLast run on \d{4}-\d\d-\d\d, probe object `(?:ab){8}…`: 0 passed, 0 failed, 0 skipped\.\n/,
  );
  t.true(written.endsWith('<!-- end of results -->\nafter\n'));
  t.false(written.includes('old'));
  t.throws(() => writeResults('no place', matrix, ''), { message: /no place for results/ });
});

test('a run of one kernel takes the place of its older results on the page, and of all of them for another probe object', (t) => {
  const page = `before\n<!-- results: written by npm run test:kernels -- --document -->\n<!-- end of results -->\nafter\n`;
  const both = new Matrix();
  for (const release of ['5.10', '6.1']) both.addKernel(release);
  both.add('5.10', 'audit › [skipped: needs 5.15] a | b: c', 'skipped');
  both.add('6.1', 'audit › a | b: c', 'failed');
  both.add('6.1', 'renamed since', 'passed');
  const again = new Matrix();
  again.addKernel('6.1');
  again.add('6.1', 'audit › a | b: c', 'passed');
  const expected = new Matrix();
  for (const release of ['5.10', '6.1']) expected.addKernel(release);
  expected.add('5.10', 'audit › [skipped: needs 5.15] a | b: c', 'skipped');
  expected.add('6.1', 'audit › a | b: c', 'passed');

  const written = writeResults(page, both, 'f'.repeat(64));
  const repeated = writeResults(written, again, 'f'.repeat(64));
  t.true(repeated.includes(`\n${expected.toString()}\n`), repeated);
  t.true(repeated.includes('1 passed, 0 failed, 1 skipped'));
  t.true(writeResults(written, again, '0'.repeat(64)).includes(`\n${again.toString()}\n`));
});
