import test from 'ava';
import * as fc from 'fast-check';
import { LineTooLongError } from '../../agent/source/whole-lines.ts';
import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';
import { LineSplitter } from './line-splitter.ts';

const NEWLINE = 10;

function pushAll(splitter: LineSplitter, ...chunks: Uint8Array[]): string[] {
  return chunks.flatMap((chunk) => [...splitter.push(chunk)].map((line) => Buffer.from(line).toString('latin1')));
}

/** Bytes in which newlines are common. */
const stream = fc.array(fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 255 }) }, fc.constant(NEWLINE)), {
  maxLength: 200,
});

test('any split of any bytes gives the same lines and holds the same rest', (t) => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(200), { maxLength: 12 }), (values, cuts) => {
      const bytes = Buffer.from(values);
      const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const chunks = edges.slice(1).map((end, i) => Buffer.from(bytes.subarray(edges[i], end)));
      const splitter = new LineSplitter(1000);
      const expected = bytes.toString('latin1').split('\n');
      const rest = expected.pop() as string;
      t.deepEqual(pushAll(splitter, ...chunks), expected);
      t.is(splitter.heldBytes, rest.length);
    }),
  );
});

test('the limit counts the newline: a line of exactly the limit passes, in any number of chunks', (t) => {
  const line = Buffer.from('123456789\n');
  t.deepEqual(pushAll(new LineSplitter(10), line), ['123456789']);
  t.deepEqual(pushAll(new LineSplitter(10), ...[...line].map((byte) => Buffer.of(byte))), ['123456789']);
});

test('a line over the limit ends the stream with an error that names the limit', (t) => {
  const error = t.throws(() => pushAll(new LineSplitter(10), Buffer.from('1234567890\n')), {
    instanceOf: LineTooLongError,
  });
  t.is(error.limitBytes, 10);
  t.regex(error.message, /10 bytes/);
});

test('a line without an end is refused as soon as it cannot end within the limit', (t) => {
  const splitter = new LineSplitter(10);
  t.deepEqual(pushAll(splitter, Buffer.from('12345'), Buffer.from('6789')), []);
  t.is(splitter.heldBytes, 9);
  t.throws(() => pushAll(splitter, Buffer.from('0')), { instanceOf: LineTooLongError });
});

test('never more than the limit is held, whatever comes', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 30 }), (chunks) => {
      const splitter = new LineSplitter(16);
      try {
        for (const chunk of chunks) {
          for (const line of splitter.push(chunk)) t.true(line.length < 16);
          t.true(splitter.heldBytes < 16);
        }
      } catch (error) {
        t.true(error instanceof LineTooLongError);
        t.true(splitter.heldBytes < 16);
      }
    }),
  );
});

test('lines before one that is too long are still given out', (t) => {
  const seen: string[] = [];
  t.throws(() => {
    for (const line of new LineSplitter(5).push(Buffer.from('one\ntwo\ntoo long\n')))
      seen.push(Buffer.from(line).toString());
  });
  t.deepEqual(seen, ['one', 'two']);
});

test('a character cut in two by a chunk comes out whole', (t) => {
  const bytes = Buffer.from('"é€😀"\n');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const splitter = new LineSplitter();
    const lines = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((chunk) => [...splitter.push(chunk)]);
    t.deepEqual(
      lines.map((line) => Buffer.from(line).toString()),
      ['"é€😀"'],
    );
  }
});

test('empty lines are lines', (t) => {
  t.deepEqual(pushAll(new LineSplitter(), Buffer.from('\n\na\n'), Buffer.from('\n')), ['', '', 'a', '']);
});

test("without a limit of its own a splitter takes the protocol's", (t) => {
  const splitter = new LineSplitter();
  t.deepEqual(pushAll(splitter, Buffer.alloc(MAX_LINE_BYTES - 1, 'x')), []);
  t.throws(() => pushAll(splitter, Buffer.from('x')), { instanceOf: LineTooLongError });
});
