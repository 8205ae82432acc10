import test from 'ava';
import { missingInTitles } from './titles.ts';

const ALL = ['test/kernels/start.kernel.ts', 'test/integration/exits.test.ts', 'test/integration/forks.test.ts'];

test('titles of some files are those of a run of all', (t) => {
  t.is(missingInTitles(ALL, ALL), '');
  t.is(missingInTitles([ALL[0]!, ALL[1]!], ALL), '');
  t.is(missingInTitles([ALL[1]!, ALL[2]!], ALL), 'integration › ');
  t.is(missingInTitles([ALL[1]!], ALL), 'integration › exits › ');
  t.is(missingInTitles([ALL[0]!], ALL), 'kernels › start.kernel › ');
  t.is(missingInTitles([ALL[1]!], [ALL[1]!]), '', 'the only file of a boot');
  t.is(missingInTitles([ALL[1]!], [ALL[1]!, ALL[2]!]), 'exits › ');
});
