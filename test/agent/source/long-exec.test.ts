import { isUtf8 } from 'node:buffer';
import test from 'ava';
import * as fc from 'fast-check';
import { ExecShape } from '../../../agent/source/exec-shape.ts';
import { withoutArguments } from '../../../agent/source/long-exec.ts';
import { lineOf } from '../../support/exec-lines.ts';
import { argsOf } from '../../support/exec-record.ts';
import { JSON_PIECES } from '../support/json-pieces.ts';

const MOST = 64 * 1024;
const shape = new ExecShape();

/** The line somewhere in larger memory, `shift` bytes behind a multiple of 4, with text behind it that goes on like a string. */
function placed(line: Buffer, shift: number): { memory: Buffer; start: number; end: number } {
  const memory = Buffer.from(new ArrayBuffer(line.length + 80), 8).fill('"u0041\\');
  const start = 12 + shift;
  line.copy(memory, start);
  return { memory, start, end: start + line.length };
}

/** The number of a line that is accepted without its arguments, else undefined. */
function seqOf(line: Buffer, shift = 0, most = MOST): number | undefined {
  const { memory, start, end } = placed(line, shift);
  if (!isUtf8(memory.subarray(start, end))) return undefined;
  const text = withoutArguments(memory, start, end, most);
  return text !== undefined && shape.fits(text, 0) && shape.end === text.length ? shape.seq : undefined;
}

/** The same of the whole line. */
function seqOfWhole(line: Buffer): number | undefined {
  const text = line.toString('latin1');
  return shape.fits(text, 0) && shape.end === text.length ? shape.seq : undefined;
}

test('long lines are accepted without their arguments, wherever they lie', (t) => {
  const long = 'x'.repeat(100_000);
  for (const args of [
    argsOf('sh', long),
    argsOf(long),
    argsOf('sh', '-c', `${'echo "a\\b"\n\t\x01'.repeat(9000)}`, '', 'Übung 日本 \u{1f600}'.repeat(500)),
    argsOf('sh', `${long}\\u0000`, '"argv":["', '\\"argv":["', ''),
    argsOf(...Array.from({ length: 40_000 }, (_, i) => `${i % 10}`)),
  ]) {
    const line = Buffer.from(lineOf({ args }, { seq: 123_456_789, args, room: 1 << 24 }));
    for (let shift = 0; shift < 4; shift++) t.is(seqOf(line, shift), 123_456_789);
    const text = withoutArguments(line, 0, line.length, MOST);
    t.true(text !== undefined && text.length < 1000);
    t.is(seqOf(line, 0, text!.length), 123_456_789);
    t.is(seqOf(line, 0, text!.length - 1), undefined, 'a rest that is too long is not compared');
  }
});

const lineWith = (args: Buffer): Buffer => Buffer.from(lineOf({ args, ns: [1, 2, 3, 4, 5, 6, 7] }, { seq: 77, args }));
const LINE = lineWith(argsOf('sh', '-c', 'echo "a\\b"\n\x01 é', '', 'plain text', '日本'));
/** Without escapes, so that the list is compared with the command. */
const PLAIN_LINE = lineWith(argsOf('sh', 'y'.repeat(70), '-c', '日本'.repeat(40), '', 'x'.repeat(2100)));

test('whatever was done to a line, it is accepted only if it has the shape as a whole', (t) => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(6),
    insert: fc.oneof(
      fc.constantFrom(
        ...JSON_PIECES,
        '\\u00e',
        '\\"',
        '\\\\',
        '\\x',
        '\x1f',
        '\n',
        '"argv":["',
        '"command":"',
        ',"argv":["a"]',
        '"],',
        '","',
        '[]',
        '""',
        '\x7f',
        'é',
      ),
      fc.string({ maxLength: 4 }),
    ),
  });
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(LINE, PLAIN_LINE),
      fc.array(edit, { maxLength: 3 }),
      fc.nat(3),
      (whole, edits, shift) => {
        let line: Buffer = whole;
        for (const { at: share, remove, insert } of edits) {
          const at = Math.floor(share * line.length);
          line = Buffer.concat([line.subarray(0, at), Buffer.from(insert), line.subarray(at + remove)]);
        }
        const seq = seqOf(line, shift);
        if (seq === undefined) return;
        accepted++;
        t.is(seqOfWhole(line), seq, line.toString());
        t.notThrows(() => JSON.parse(line.toString()) as unknown);
      },
    ),
    { numRuns: 20_000 },
  );
  t.true(accepted > 200, `${accepted} of the changed lines are accepted`);
});

test('each byte that ends a string is found at each place of a word', (t) => {
  for (let byte = 0; byte < 256; byte++) {
    for (let at = 0; at < 8; at++) {
      const bytes = Buffer.alloc(9, 'x');
      bytes[at] = byte;
      const line = Buffer.from(LINE.toString().replace('plain text', '@@@@@@@@@'));
      bytes.copy(line, line.lastIndexOf('@@@@@@@@@'));
      t.is(seqOf(line), isUtf8(line) ? seqOfWhole(line) : undefined, `${byte} at ${at}`);
    }
  }
});

test('each byte that ends a string is found in a long one, in the command and in the list', (t) => {
  for (let byte = 0; byte < 128; byte++) {
    for (const piece of ['yyyy', '-c', 'xxxx']) {
      for (const at of [PLAIN_LINE.indexOf(piece), PLAIN_LINE.lastIndexOf(piece)]) {
        const line = Buffer.from(PLAIN_LINE);
        line[at + 1] = byte;
        t.is(seqOf(line), seqOfWhole(line), `${byte} at ${at}`);
      }
    }
  }
});

test('an argument is not compared with a command that has escapes: its quote could be one of them', (t) => {
  const word = 'y'.repeat(70);
  const line = lineWith(argsOf('sh', `${word}"`, 'b', 'x'.repeat(2100))).toString();
  t.is(seqOf(Buffer.from(line)), 77);
  t.is(seqOf(Buffer.from(line.replace(`"${word}\\""`, `"${word}\\"`))), undefined);
});

test('a long line that almost fits is refused in time', (t) => {
  const started = performance.now();
  for (const filler of ['x', '\\\\', '","', '\\u0041']) {
    const line = LINE.toString().replace('plain text', filler.repeat(1_000_000)).replace('"source"', '"sauce"');
    t.is(seqOf(Buffer.from(line)), undefined);
  }
  t.true(performance.now() - started < 5000);
});
