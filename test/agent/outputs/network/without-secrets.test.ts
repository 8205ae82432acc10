import test from 'ava';
import { withoutSecrets } from '../../../../agent/outputs/network/without-secrets.ts';

const SECRET = 'a"b\\c/d e+é';

for (const [form, text] of [
  ['as it is', SECRET],
  ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
  ['in an address', encodeURIComponent(SECRET)],
] as const)
  test(`a secret is taken out ${form}, each time`, (t) => {
    t.is(withoutSecrets(`no: ${text}, ${text}!`, [SECRET]), 'no: ***, ***!');
  });

test('of two secrets the longer one goes first, so that nothing of it stays', (t) => {
  t.is(withoutSecrets('x hunter2 aHVudGVyMg== y', ['V', 'hunter2', 'aHVudGVyMg==']), 'x *** *** y');
});

test('a text without secrets stays as it is', (t) => {
  t.is(withoutSecrets('$& no', ['hunter2']), '$& no');
});
