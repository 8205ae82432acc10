import test from 'ava';
import { ShownLines } from '../../../agent/client/shown-lines.ts';

const line = (seq: number, time = 'a', more = '') => `{"pid":1,"command":"x ${more}","seq":${seq},"time":"${time}"}`;

test('what was shown is left out, by number and time; what has no number is always shown', (t) => {
  const shown = new ShownLines();
  t.is(shown.fresh([line(1), line(2)]).length, 2);
  t.deepEqual(shown.fresh([line(2), line(3), '{"type":"missed"}']), [line(3), '{"type":"missed"}']);
  t.deepEqual(shown.fresh([line(3, 'b'), '{"type":"missed"}']), [line(3, 'b'), '{"type":"missed"}'], 'another boot');
  const gap = '{"type":"gap","time":"c","hop":"ring","first":4,"last":9,"count":6}';
  t.deepEqual(shown.fresh([gap, gap]), [gap]);
  t.is(shown.fresh([line(10, 'a', String.raw`\"seq\":1,`)]).length, 1, 'the number of the event, not one in its text');
});

test('so many are remembered', (t) => {
  const shown = new ShownLines(3);
  for (let seq = 0; seq < 100; seq++) shown.fresh([line(seq)]);
  t.is(shown.size, 3);
  t.deepEqual(shown.fresh([line(99), line(1)]), [line(1)]);
});
