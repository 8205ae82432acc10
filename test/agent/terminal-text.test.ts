import test from 'ava';
import * as fc from 'fast-check';
import { cutTo, neutralise, neutraliseJson, padTo, widthOf } from '../../agent/terminal-text.ts';

for (const [what, hostile, shown] of [
  ['an escape sequence that clears the screen', '\x1b[2J', '\\x1b[2J'],
  ['a sequence that writes the clipboard', '\x1b]52;c;aGk=\x07', '\\x1b]52;c;aGk=\\x07'],
  ['the same introduced by one C1 character', '\x9b2J', '\\u{9b}2J'],
  ['a carriage return that overwrites the line', 'rm -rf /\rls', 'rm -rf /\\rls'],
  ['a newline that fakes a line', 'a\nb', 'a\\nb'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['a backspace', 'ab\b', 'ab\\x08'],
  ['a delete', '\x7f', '\\x7f'],
  ['a bidirectional override', 'txt.\u202eexe', 'txt.\\u{202e}exe'],
  ['a bidirectional isolate', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
  ['a zero-width space', 'ls\u200b', 'ls\\u{200b}'],
  ['a letter that shows nothing', '\u3164', '\\u{3164}'],
  ['a blank that is not a space', 'a\u00a0b', 'a\\u{a0}b'],
  ['tag characters', '\u{e0041}', '\\u{e0041}'],
  ['half of a surrogate pair', '\ud800', '\\u{d800}'],
  ['a private use character', '\ue000', '\\u{e000}'],
] as const) {
  test(`${what} is shown, not obeyed`, (t) => {
    t.is(neutralise(hostile), shown);
  });
}

test('text of any script stays as it is', (t) => {
  for (const text of ['/usr/bin/npm install', 'grün', '日本語', 'עברית', 'ไทย', 'हिन्दी', '🎉', 'a\\nb'])
    t.is(neutralise(text), text);
});

test('a stack of marks is cut to what a line can hold', (t) => {
  t.is(neutralise(`e${'\u0301'.repeat(6)}`), `e${'\u0301'.repeat(4)}\\u{301}\\u{301}`);
});

test('no text whatever brings a control character to the terminal', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      t.notRegex(neutralise(text), /[\p{C}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test('JSON for a terminal is the same JSON', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = neutraliseJson(JSON.stringify({ text }));
      t.deepEqual(JSON.parse(line), { text });
      t.notRegex(line, /\p{C}/u);
    }),
  );
});

for (const [what, text, columns] of [
  ['letters', 'abc', 3],
  ['wide letters', '日本', 4],
  ['full-width letters', 'ＡＢ', 4],
  ['half-width letters', 'ｱｲ', 2],
  ['Hangul syllables', '한국', 4],
  ['Hangul that is put together from letters', '\u1112\u1161\u11ab', 2],
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

test('padding fills up to the columns', (t) => {
  t.is(padTo('日', 4), '日  ');
  t.is(padTo('abcde', 4), 'abcde');
});
