import test from 'ava';

import { kernelResultsText, withResults, type KernelResults } from '../../installers/generated/kernel-results.ts';
import { RunResults } from './results.ts';

const OBJECT = 'ab'.repeat(32);

function example(): RunResults {
  const run = new RunResults();
  for (const release of ['5.10', '6.12']) run.addKernel(release);
  run.add('5.10', 'integration › exits › a', { result: 'passed' });
  run.add('6.12', 'integration › exits › a', { result: 'failed' });
  run.add('5.10', 'integration › exits › b | c', { result: 'skipped', reason: 'needs 5.15' });
  run.add('6.12', 'integration › exits › b | c', { result: 'passed' });
  run.add('6.12', 'locked | down › only here', { result: 'passed' });
  return run;
}

test('the table has a row for each file, a column for each kernel, and names every test that did not pass', (t) => {
  t.is(
    kernelResultsText(example().replaceIn(undefined, '2026-11-22', OBJECT, false)),
    `Last run on 2026-11-22, probe object \`abababababababab…\`: 3 passed, 1 failed, 1 skipped.

| tests | 5.10 | 6.12 |
|---|---|---|
| integration › exits | 1 passed, 1 skipped | 1 passed, 1 failed |
| locked \\| down | not run | 1 passed |

Not passed:

- 5.10: integration › exits › b | c: skipped: needs 5.15
- 6.12: integration › exits › a: failed
`,
  );
});

test('results go where the page has their place, and nowhere else', (t) => {
  const begin = '<!-- results: made by npm run generate from test/kernels/results*.json -->';
  const page = `before\n${begin}\nold\n<!-- end of results -->\nafter\n`;
  const written = withResults(page, 'new\n');
  t.is(written, `before\n${begin}\n\nnew\n\n<!-- end of results -->\nafter\n`);
  t.is(withResults(written, 'new\n'), written);
  t.throws(() => withResults('no place', ''), { message: /no place for results/ });
});

test('a run of one kernel takes the place of its older results, and of all of them for another probe object', (t) => {
  const both = example().replaceIn(undefined, '2026-11-22', OBJECT, false);
  const again = new RunResults();
  again.add('6.12', 'integration › exits › a', { result: 'passed' });
  const repeated: KernelResults = {
    date: '2026-11-23',
    probeObject: OBJECT,
    results: {
      '5.10': { 'integration › exits › a': 'passed', 'integration › exits › b | c': 'skipped: needs 5.15' },
      '6.12': { 'integration › exits › a': 'passed' },
    },
  };
  t.deepEqual(again.replaceIn(both, '2026-11-23', OBJECT, false), repeated);
  t.deepEqual(
    Object.keys(again.replaceIn(both, '', OBJECT, false).results),
    ['5.10', '6.12'],
    'columns keep their order',
  );
  t.deepEqual(Object.keys(again.replaceIn(both, '', '0'.repeat(64), false).results), ['6.12']);

  const part = again.replaceIn(both, '2026-11-23', OBJECT, true);
  t.deepEqual(part.results['6.12'], { ...both.results['6.12'], 'integration › exits › a': 'passed' });
  t.deepEqual(
    again.replaceIn(both, '', '0'.repeat(64), true).results,
    again.replaceIn(both, '', '0'.repeat(64), false).results,
  );
});
