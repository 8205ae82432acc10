import test from 'ava';
import { LineReader } from '../../../agent/page/line-reader.ts';

test('lines are whole, however they are cut', (t) => {
  const text = 'one\ntwo\n\nthree\n';
  for (let size = 1; size <= text.length; size++) {
    const reader = new LineReader();
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += size) lines.push(...reader.push(text.slice(at, at + size)));
    t.deepEqual(lines, ['one', 'two', '', 'three']);
  }
});

test('a line beyond the bound is left out, and those after it come', (t) => {
  const reader = new LineReader(10);
  t.deepEqual(reader.push('short\n0123456789'), ['short']);
  t.deepEqual(reader.push('0'), []);
  t.deepEqual(reader.push('more of it'), []);
  t.deepEqual(reader.push('the end\nnext\n'), ['next']);
});
