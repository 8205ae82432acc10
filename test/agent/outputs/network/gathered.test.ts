import fc from 'fast-check';
import test from 'ava';
import { Gathered } from '../../../../agent/outputs/network/gathered.ts';

test('pieces are side by side, and take twice their bytes at most, and 4 KiB', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 30 }), (pieces) => {
      const gathered = new Gathered();
      for (const piece of pieces) {
        gathered.add(piece);
        t.true(gathered.room <= Math.max(4096, 2 * gathered.length));
      }
      const whole = Buffer.concat(pieces);
      t.deepEqual(gathered.bytes, whole);
      t.is(gathered.length, whole.length);
    }),
  );
});

test('a million pieces of one byte are a million bytes', (t) => {
  const gathered = new Gathered();
  for (let i = 0; i < 1_000_000; i++) gathered.add(Buffer.of(i % 251));
  t.is(gathered.length, 1_000_000);
  t.true(gathered.room <= 2_000_000);
  t.is(gathered.bytes[999_999], 999_999 % 251);
});

test('what was given stays as it is when it begins anew', (t) => {
  const gathered = new Gathered();
  gathered.add(Buffer.from('one'));
  const { bytes } = gathered;
  gathered.clear();
  gathered.add(Buffer.from('two'));
  t.is(`${bytes.toString()} ${gathered.bytes.toString()}`, 'one two');
});
