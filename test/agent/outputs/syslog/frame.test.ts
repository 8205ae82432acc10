import test from 'ava';
import fc from 'fast-check';
import { frameOf, FrameReader, type Frame } from '../../../../agent/outputs/syslog/relp/frame.ts';

function read(pieces: readonly Buffer[]): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (const piece of pieces)
    for (let frame = reader.next(piece); frame !== undefined; frame = reader.next()) frames.push(frame);
  return frames;
}

const frame = fc.record({
  transaction: fc.nat(999_999_999),
  command: fc.constantFrom('rsp', 'serverclose', 'x'.repeat(32)),
  data: fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 3000 })),
});

test('frames are read as they were written, however they are cut into pieces', (t) => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 40 }), (frames, cuts) => {
      const bytes = Buffer.concat(
        frames.flatMap(({ transaction, command, data }) => frameOf(transaction, command, Buffer.from(data))),
      );
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
      t.deepEqual(read(places.slice(1).map((to, i) => bytes.subarray(places[i], to))), frames);
    }),
  );
});

for (const text of [
  'HTTP/1.1 400 Bad Request\r\n',
  ' 1 rsp 0\n',
  '1  rsp 0\n',
  '-1 rsp 0\n',
  '1234567890',
  '1 r$p',
  `1 ${'r'.repeat(33)}`,
  '1 rsp x',
  '1 rsp 0 \n',
  '1 rsp 6\n',
  '1 rsp 2 okk\n',
  '1 rsp 16385 x',
  '1 rsp 999999999 x',
  '\n',
  '\0',
])
  test(`no frame begins with ${JSON.stringify(text)}, which is told without waiting for more`, (t) => {
    t.throws(() => read([Buffer.from(text)]));
    t.throws(() => read(Array.from(text, (letter) => Buffer.from(letter))));
  });

test('a frame of the longest data is read', (t) => {
  const data = 'x'.repeat(16 * 1024);
  t.is(read([Buffer.concat(frameOf(1, 'rsp', Buffer.from(data)))])[0]!.data, data);
});
