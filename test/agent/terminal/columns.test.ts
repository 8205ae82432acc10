import { spawnSync } from 'node:child_process';
import test from 'ava';
import * as fc from 'fast-check';
import { cutTo, padTo, widthOf } from '../../../agent/terminal/columns.ts';
import { neutralise } from '../../../agent/terminal-text.ts';

for (const [what, text, columns] of [
  ['letters', 'abc', 3],
  ['wide letters', '日本', 4],
  ['full-width letters', 'ＡＢ', 4],
  ['half-width letters', 'ｱｲ', 2],
  ['Hangul syllables', '한국', 4],
  ['Hangul that is put together from letters', '\u1112\u1161\u11ab', 2],
  ['Hangul letters, of which any number counts as one character', '\u1100'.repeat(10), 20],
  ['Hangul letters in front of a syllable', '\ua960\u1100가', 6],
  ['vowels of Kirat Rai', '\u{16d63}'.repeat(10), 10],
  ['an emoji', '🎉', 2],
  ['an emoji with a skin tone', '👍🏽', 2],
  ['a flag', '🇩🇪', 2],
  ['a symbol that is text', '☀', 1],
  ['a combining mark', 'e\u0301', 1],
  ['four combining marks', 'e\u0301\u0302\u0303\u0304', 1],
  ['vowel signs of Devanagari', 'हि', 2],
  ['vowel signs of Thai', 'ที่', 1],
  ['Hebrew', 'עברית', 5],
  ['a zero-width space, as an escape', neutralise('a\u200bb'), 10],
  ['an emoji with a variation selector, as an escape', neutralise('❤\ufe0f'), 9],
] as const) {
  test(`columns of ${what}`, (t) => {
    t.is(widthOf(text), columns);
    t.is(widthOf(padTo(text, 30)), 30);
  });
}

test('the width of text is the sum of its characters', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (before, after) => {
      // A letter on each side, so that nothing joins across the seam.
      const [a, b] = [`${neutralise(before)}x`, `x${neutralise(after)}`];
      t.is(widthOf(a + b), widthOf(a) + widthOf(b));
    }),
  );
});

test('a cut never parts a letter from its marks', (t) => {
  t.is(cutTo('e\u0301a\u0301', 1), '…');
  t.is(cutTo('e\u0301a\u0301b', 2), 'e\u0301…');
  t.is(cutTo('🇩🇪🇫🇷', 3), '🇩🇪…');
  t.is(cutTo('👍🏽👍🏽', 4), '👍🏽👍🏽');
  t.is(cutTo('👍🏽👍🏽', 3), '👍🏽…');
});

test('cut text fits its columns and ends in an ellipsis', (t) => {
  t.is(cutTo('abcdef', 6), 'abcdef');
  t.is(cutTo('abcdef', 5), 'abcd…');
  t.is(cutTo('日本語', 6), '日本語');
  t.is(cutTo('日本語', 5), '日本…');
  t.is(cutTo('日本語', 4), '日…');
  t.is(cutTo('abc', 1), '…');
  t.is(cutTo('abc', 0), '');
});

test('whatever the text, what is cut is never wider than asked', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, columns) => {
      t.true(widthOf(cutTo(neutralise(text), columns)) <= columns);
    }),
  );
});

test('no letter is without columns however often it is repeated, marks and the ends of Hangul syllables aside', (t) => {
  const within = /[\p{M}\p{RI}\u1160-\u11ff\ud7b0-\ud7ff]/u;
  for (let code = 0x20; code < 0x20000; code++) {
    const letter = String.fromCodePoint(code);
    if (neutralise(letter) !== letter || within.test(letter)) continue;
    const columns = widthOf(letter.repeat(3));
    if (columns < 3 || columns < 3 * widthOf(letter)) t.fail(`U+${code.toString(16)}: ${columns}`);
  }
  t.pass();
});

test('padding fills up to the columns', (t) => {
  t.is(padTo('日', 4), '日  ');
  t.is(padTo('abcde', 4), 'abcde');
});

test('tables of characters are not loaded at start: they take time and memory, and only the live view needs them', (t) => {
  const program = `
    import { registerHooks } from 'node:module';
    let loaded = 0;
    registerHooks({ load(url, context, next) { if (url.includes('string-width')) loaded++; return next(url, context); } });
    await import('./agent/cli.ts');
    const before = loaded;
    await import('./agent/view/live-view.ts');
    console.log(before, loaded > 0);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
    env: {},
  });
  t.is(stdout, '0 true\n', stderr);
});
