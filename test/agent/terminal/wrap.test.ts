import test from 'ava';
import * as fc from 'fast-check';
import { neutralise } from '../../../agent/terminal-text.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { wrap } from '../../../agent/terminal/wrap.ts';

test('between words, and within a word that is too long', (t) => {
  t.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  t.deepEqual(wrap('abcdefgh ij', 3), ['abc', 'def', 'gh', 'ij']);
  t.deepEqual(wrap('', 3), ['']);
  t.deepEqual(wrap('漢字漢字', 4), ['漢字', '漢字']);
  t.deepEqual(wrap('漢', 1), ['漢'], 'one character at least');
});

test('every line fits, and nothing is lost', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 10, max: 40 }), (raw, columns) => {
      const text = neutralise(raw);
      const lines = wrap(text, columns);
      const bare = (some: string): string => some.replaceAll(' ', '');
      return lines.every((line) => widthOf(line) <= columns) && bare(lines.join('')) === bare(text);
    }),
  );
  t.pass();
});
