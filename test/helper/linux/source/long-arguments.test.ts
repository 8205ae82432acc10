import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import * as fc from 'fast-check';
import { afterFirst, afterScript, argumentList, encodeArguments } from '../../../../helper/linux/source/arguments.ts';
import { encodeLong, firstBytes, type LongArguments } from '../../../../helper/linux/source/long-arguments.ts';

const MOST = 1 << 24;

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const bytesOf = (pieces: readonly string[]): Buffer => Buffer.from(pieces.join(''), 'latin1');

/** The same bytes in parts, as records bring them. */
function inParts(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  parts.push(bytes.subarray(at));
  return parts;
}

// Text that comes close to what the encoding works with, and lengths around those of its pieces.
const fragment = fc.oneof(
  fc.constantFrom(
    '\\u0000',
    '\\',
    'u0000',
    '"',
    '\n',
    '\u0001',
    '\x7f',
    '\u2028',
    '😀',
    '\ufffd',
    'é',
    'a',
    ' ',
    '\0',
    '\0\0',
    '/bin/é',
  ),
  fc.constantFrom(4090, 8180, 8191, 8192, 8193, 16_384, 24_576).map((length) => 'x'.repeat(length)),
  fc.nat(40).map((length) => '\0'.repeat(length)),
  fc.nat(40).map((length) => 'é'.repeat(100 * length)),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);
const block = fc.array(fragment, { minLength: 1, maxLength: 12 }).map((parts) => Buffer.from(parts.join('')));
const notUtf8 = fc
  .tuple(block, fc.nat(), fc.constantFrom(0xff, 0xc3, 0x80, 0xed))
  .map(([bytes, at, byte]) => Buffer.concat([bytes.subarray(0, at % bytes.length), Buffer.of(byte), bytes]));
const sizes = fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.nat(9000)), { maxLength: 6 });
const script = fc.option(fc.constantFrom('a', 'é', '/bin/é', '', '"'), { nil: undefined });

const encodedName = (name: string): string => JSON.stringify(name).slice(1, -1);

test('long arguments become the bytes that short ones become, in whatever parts they come', (t) => {
  let encoded = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 6, arbitrary: block }, notUtf8), sizes, script, (bytes, cuts, name) => {
      if (bytes.length === 0) return;
      const parts = inParts(bytes, cuts);
      const long = encodeLong(parts, name === undefined ? undefined : latin1(encodedName(name)), MOST);
      const text = bytes.toString('utf8', 0, bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length);
      const isText = Buffer.from(text).equals(bytes.subarray(0, bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length));
      const needsOther = !isText || text.includes('\\u0000');
      t.is(long === undefined, needsOther, 'only bytes that need the other functions are left to them');
      if (long === undefined || long === 'too long') return;
      encoded++;
      const short = encodeArguments(text);
      const list = bytesOf(long.list);
      const command = bytesOf(long.command);
      t.true(list.equals(Buffer.from(argumentList(short, false))));
      t.is(command.toString(), name === undefined ? afterFirst(short) : afterScript(short, encodedName(name)));
      t.is(long.bytes, list.length + command.length);
    }),
    { numRuns: 3000 },
  );
  t.true(encoded > 1000, `${encoded}`);
});

test('a script is found in later pieces too, and its path must be whole', (t) => {
  const long = 'x'.repeat(10_000);
  for (const argv of [
    ['/bin/sh', long, '/tmp/run', 'a', long],
    ['/bin/sh', `/tmp/run${long}`, '/tmp/run', 'a'],
    ['/bin/sh', '/tmp/run', 'a', long],
    [long, '/tmp/run'],
    [long, '/tmp/runs'],
    [long],
  ]) {
    const bytes = Buffer.from(argv.map((argument) => `${argument}\0`).join(''));
    const encoded = encodeLong([bytes], '/tmp/run', MOST);
    if (encoded === undefined || encoded === 'too long') return t.fail();
    const expected = afterScript(encodeArguments(bytes.toString('utf8', 0, bytes.length - 1)), '/tmp/run');
    t.true(encoded.command.join('') === expected, argv.map((argument) => argument.slice(0, 9)).join(' '));
  }
});

test('what is longer than it may be is found so, to the byte', (t) => {
  const parts = [Buffer.from('a\0'), Buffer.from(`${'"'.repeat(9000)}\0é\0`)];
  const whole = encodeLong(parts, undefined, MOST);
  if (whole === undefined || whole === 'too long') return t.fail();
  t.deepEqual(encodeLong(parts, undefined, whole.bytes), whole);
  t.is(encodeLong(parts, undefined, whole.bytes - 1), 'too long');
});

test('the first bytes of parts are those of all of them', (t) => {
  const parts = [Buffer.from('ab'), Buffer.from(''), Buffer.from('cde'), Buffer.from('f')];
  for (let bytes = 0; bytes <= 6; bytes++)
    t.is(Buffer.concat(firstBytes(parts, bytes)).toString(), 'abcdef'.slice(0, bytes));
});

test('half a million arguments take little more memory than their bytes', (t) => {
  const bytes = Buffer.from('a\0'.repeat(500_000));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  const long = encodeLong([bytes], undefined, Number.POSITIVE_INFINITY) as LongArguments;
  collect();
  const taken = process.memoryUsage().heapUsed - before;
  t.is(long.bytes, 3 * bytes.length);
  // The list, the command line, and what the process does besides.
  t.true(taken < 4 * long.bytes, `${taken} bytes for ${long.bytes}`);
});
