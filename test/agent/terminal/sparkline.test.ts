import test from 'ava';
import { sparkline } from '../../../agent/terminal/sparkline.ts';
import { showsUtf8 } from '../../../agent/terminal/utf8.ts';

test('columns as high as the largest; blank where nothing happened; the newest at the right', (t) => {
  t.is(sparkline([0, 1, 4, 8], 4, true), ' ▁▄█');
  t.is(sparkline([0, 1, 4, 8], 4, false), ' _:#');
  t.is(sparkline([8], 4, true), '   █');
  t.is(sparkline([], 3, true), '   ');
  t.is(sparkline([1, 2], 0, true), '');
});

test('several numbers share a column, and a short burst stays visible', (t) => {
  const values = Array.from({ length: 300 }, (_, i) => (i === 7 ? 1000 : 1));
  const line = sparkline(values, 30, true);
  t.is(line.length, 30);
  t.is(line.indexOf('█'), 0);
  t.is(line.lastIndexOf('▁'), 29);
});

for (const [env, expected] of [
  [{ LANG: 'en_US.UTF-8' }, true],
  [{ LANG: 'C.utf8' }, true],
  [{ LANG: 'en_US.UTF-8', LC_ALL: 'C' }, false],
  [{ LANG: 'C', LC_CTYPE: 'C.UTF-8' }, true],
  [{ LC_ALL: '', LANG: 'POSIX' }, false],
  [{}, false],
] as const)
  test(`${JSON.stringify(env)} ${expected ? 'shows' : 'does not show'} UTF-8`, (t) => {
    t.is(showsUtf8(env), expected);
  });
