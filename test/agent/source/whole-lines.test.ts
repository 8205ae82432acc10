import test from 'ava';
import * as fc from 'fast-check';
import { WholeLines } from '../../../agent/source/whole-lines.ts';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';

test('pieces hold whole lines, and together they are what came, except an unfinished end', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\n', 'a', 'bc', 'def\n', '\n\n', 'x'.repeat(40)), { maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 30 })),
      (parts, cuts) => {
        const text = parts.join('');
        let got = '';
        const lines = new WholeLines((memory, start, end) => {
          const piece = memory.toString('utf8', start, end);
          t.true(piece.endsWith('\n'));
          got += piece;
        });
        let at = 0;
        for (const cut of cuts) {
          if (at >= text.length) break;
          lines.push(Buffer.from(text.slice(at, at + cut)));
          at += cut;
        }
        if (at < text.length) lines.push(Buffer.from(text.slice(at)));
        t.is(got, text.slice(0, text.lastIndexOf('\n') + 1));
      },
    ),
  );
});

test('a line as long as the protocol allows passes, one byte more does not', (t) => {
  const sizes: number[] = [];
  const lines = new WholeLines((_, start, end) => sizes.push(end - start));
  const half = Buffer.alloc(MAX_LINE_BYTES / 2, 'x');
  lines.push(half);
  lines.push(half.subarray(1));
  lines.push(Buffer.from('\n'));
  t.deepEqual(sizes, [MAX_LINE_BYTES]);
  lines.push(half);
  lines.push(half);
  t.throws(() => lines.push(Buffer.from('\n')), { name: 'LineTooLongError' });
});
