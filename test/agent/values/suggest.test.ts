import test from 'ava';
import { editDistance, suggest } from '../../../agent/values/suggest.ts';

test('distance counts letters put in, left out, changed, and swapped with a neighbour', (t) => {
  t.is(editDistance('path', 'path'), 0);
  t.is(editDistance('pth', 'path'), 1);
  t.is(editDistance('paths', 'path'), 1);
  t.is(editDistance('bath', 'path'), 1);
  t.is(editDistance('ptah', 'path'), 1);
  t.is(editDistance('', 'path'), 4);
});

test('a slip finds what was meant', (t) => {
  t.is(suggest('otputs', ['source', 'outputs', 'log']), 'outputs');
  t.is(suggest('MaxBytes', ['max_bytes', 'max_files']), 'max_bytes');
  t.is(suggest('tpye', ['name', 'type']), 'type');
});

test('what resembles nothing gets no suggestion', (t) => {
  t.is(suggest('filters', ['source', 'outputs', 'log']), undefined);
  t.is(suggest('x', ['type']), undefined);
  t.is(suggest('x'.repeat(1_000_000), ['type']), undefined);
});
