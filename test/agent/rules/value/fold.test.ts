import test from 'ava';
import { caseVariants, fold, FOLD } from '../../../../agent/rules/value/fold.ts';

test("folding is Unicode's simple folding for every unit of the Basic Multilingual Plane", (t) => {
  const wrong: string[] = [];
  for (let unit = 0; unit < 0x10000; unit++) {
    if (unit >= 0xd800 && unit <= 0xdfff) continue;
    const hex = (n: number) => `\\u{${n.toString(16)}}`;
    // The flags i and u of RegExp compare by simple folding.
    if (!new RegExp(`^${hex(unit)}$`, 'iu').test(String.fromCharCode(FOLD[unit]!))) wrong.push(hex(unit));
  }
  t.deepEqual(wrong, []);
});

test('folding keeps positions, whatever the language', (t) => {
  for (const text of ['İSTANBUL', 'ΟΔΟΣ', 'ẞtraße', 'ﬀ', '😀A', 'ǅ']) t.is(fold(text).length, text.length, text);
  t.is(fold('ΟΔΟΣ'), fold('οδος'));
  t.is(fold('CMD.EXE'), 'cmd.exe');
  t.not(fold('ı'), fold('i'));
});

test('the variants of a character fold to it', (t) => {
  t.deepEqual(
    [...caseVariants(0x6b)].sort((a, b) => a - b),
    [0x4b, 0x6b, 0x212a],
  );
  for (const variant of caseVariants(0x3c3)) t.is(FOLD[variant], 0x3c3);
});
