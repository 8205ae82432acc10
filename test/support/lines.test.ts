import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';

import { linesFrom, wholeLines } from './lines.ts';

/** Empty lines, characters of two to four bytes, and an end without a newline. */
const TEXT = 'ready\n\nasleep\n"é€😀"\nwoken\n\nrest';
const LINES = ['ready', '', 'asleep', '"é€😀"', 'woken', '', 'rest'];

/** The lines of a stream that is fed these pieces, each for itself. */
async function read(pieces: readonly Uint8Array[]): Promise<{ beforeEnd: string[]; lines: string[] }> {
  const stream = new PassThrough();
  const lines = linesFrom(stream);
  for (const piece of pieces) {
    stream.write(piece);
    await turn();
  }
  const beforeEnd = [...lines];
  stream.end();
  await once(stream, 'close');
  return { beforeEnd, lines };
}

test('the lines are the same wherever the bytes are cut, in two places or after every byte', async (t) => {
  const bytes = Buffer.from(TEXT);
  const expected = { beforeEnd: LINES.slice(0, -1), lines: LINES };
  t.deepEqual(await read([bytes]), expected);
  t.deepEqual(await read(Array.from(bytes, (byte) => Buffer.of(byte))), expected);
  for (let first = 0; first <= bytes.length; first++)
    for (let second = first; second <= bytes.length; second++) {
      const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      t.deepEqual(await read(pieces), expected, `cut at ${first} and ${second}`);
    }
});

test('at every moment the lines are those that have ended', async (t) => {
  const stream = new PassThrough();
  const lines = linesFrom(stream);
  const bytes = Buffer.from(TEXT);
  for (let length = 1; length <= bytes.length; length++) {
    stream.write(bytes.subarray(length - 1, length));
    await turn();
    t.deepEqual(lines, wholeLines(bytes.toString('utf8', 0, length)));
  }
});

test('several streams give one list, and a missing one gives nothing', async (t) => {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  const lines = linesFrom(output, null, errors);
  for (const [stream, text] of [
    [output, 'on'],
    [errors, 'two\nthr'],
    [output, 'e\n'],
    [errors, 'ee\n'],
  ] as const) {
    stream.write(text);
    await turn();
  }
  t.deepEqual(lines, ['two', 'one', 'three']);
});
