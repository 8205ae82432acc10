import test from 'ava';
import * as fc from 'fast-check';
import { neutralise, neutraliseJson } from '../../agent/terminal-text.ts';

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
  const marks = fc.string({ unit: fc.constantFrom('e', '\u0301', '\u{1d165}', '\ud800'), maxLength: 20 });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), marks), (text) => {
      const line = neutraliseJson(JSON.stringify({ text }));
      t.deepEqual(JSON.parse(line), { text });
      t.notRegex(line, /\p{C}|\p{M}{5}/u);
    }),
  );
});
