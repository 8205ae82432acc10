import test from 'ava';
import * as fc from 'fast-check';
import { WholeLines } from '../../../agent/source/whole-lines.ts';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';

/** Gives it these bytes as one read. */
function push(lines: WholeLines, bytes: Buffer, least = bytes.length): void {
  const room = lines.room(least);
  if (room.length < least) throw new Error(`room for ${room.length} bytes, of ${least}`);
  bytes.copy(room);
  lines.push(bytes.length);
}

test('pieces hold whole lines, and together they are what came, except an unfinished end', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\n', 'a', 'bc', 'def\n', '\n\n', 'x'.repeat(40)), { maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 30 })),
      fc.integer({ min: 30, max: 90 }),
      (parts, cuts, least) => {
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
          push(lines, Buffer.from(text.slice(at, at + cut)), least);
          at += cut;
        }
        if (at < text.length) push(lines, Buffer.from(text.slice(at)));
        t.is(got, text.slice(0, text.lastIndexOf('\n') + 1));
      },
    ),
  );
});

test('a line as long as the protocol allows passes, one byte more does not', (t) => {
  const sizes: number[] = [];
  const lines = new WholeLines((_, start, end) => sizes.push(end - start));
  const half = Buffer.alloc(MAX_LINE_BYTES / 2, 'x');
  push(lines, half);
  push(lines, half.subarray(1));
  push(lines, Buffer.from('\n'));
  t.deepEqual(sizes, [MAX_LINE_BYTES]);
  push(lines, half);
  push(lines, half);
  t.throws(() => push(lines, Buffer.from('\n')), { name: 'LineTooLongError' });
});

test('memory grows with an unfinished line, to its limit and one read, and is given back after it', (t) => {
  let taken = 0;
  const lines = new WholeLines((_, start, end) => (taken = end - start));
  const read = 256 * 1024;
  const chunk = Buffer.alloc(read, 'x');
  t.is(lines.room(read).buffer.byteLength, 2 * read);
  let most = 0;
  for (let bytes = 0; bytes + read < MAX_LINE_BYTES; bytes += read) {
    push(lines, chunk);
    most = Math.max(most, lines.room(read).buffer.byteLength);
  }
  t.true(most > MAX_LINE_BYTES);
  t.true(most <= MAX_LINE_BYTES + read, `${most}`);
  push(lines, Buffer.from('\n'), read);
  t.is(taken, MAX_LINE_BYTES - read + 1);
  t.is(lines.room(read).buffer.byteLength, 2 * read);
});

test('reads of whole lines all go to the same place', (t) => {
  const lines = new WholeLines(() => undefined);
  const first = lines.room(1000);
  push(lines, Buffer.from('a\nb\n'), 1000);
  const second = lines.room(1000);
  t.is(second.buffer, first.buffer);
  t.is(second.byteOffset, first.byteOffset);
});
