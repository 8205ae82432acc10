import test from 'ava';
import { groupOf, parseSuppression, Suppressor } from '../../../agent/rules/suppress.ts';

test('"once per 10 m per exe" is a window and its groups', (t) => {
  t.deepEqual(parseSuppression('once per 10 m per exe'), { windowMs: 600_000, per: ['exe'] });
  t.deepEqual(parseSuppression('once per 1h'), { windowMs: 3_600_000, per: [] });
  t.deepEqual(parseSuppression('once per 30s per exe per parent.exe'), {
    windowMs: 30_000,
    per: ['exe', 'parent.exe'],
  });
  for (const wrong of ['', 'twice per 10m', 'once per 0s', 'once per 10', 'once per 10m for exe'])
    t.is(parseSuppression(wrong), undefined, wrong);
  t.not(groupOf({ windowMs: 1, per: ['a', 'b'] }, { a: 'x' }), groupOf({ windowMs: 1, per: ['a', 'b'] }, { b: 'x' }));
});

test('the first of a window is reported, the next report says how many were held back', (t) => {
  const s = new Suppressor();
  t.deepEqual(s.decide('r', 'g', 1000, 0), { report: true, suppressed: 0 });
  t.deepEqual(s.decide('r', 'g', 1000, 999), { report: false });
  t.deepEqual(s.decide('r', 'h', 1000, 999), { report: true, suppressed: 0 }, 'groups are apart');
  t.deepEqual(s.decide('q', 'g', 1000, 999), { report: true, suppressed: 0 }, 'rules are apart');
  t.deepEqual(s.decide('r', 'g', 1000, 1000), { report: true, suppressed: 1 });
  t.is(s.total, 1);
});

test('what a window held back is handed out once it is over, and only once', (t) => {
  const s = new Suppressor();
  for (let i = 0; i < 5; i++) s.decide('r', 'g', 1000, i);
  t.deepEqual(s.take(999), []);
  t.deepEqual(s.take(1000), [{ rule: 'r', group: 'g', count: 4 }]);
  t.deepEqual(s.take(2000), []);
  t.is(s.groups, 0);
});

test('a clock that is stepped back holds nothing back beyond the window, and what was held back is told', (t) => {
  const s = new Suppressor();
  const day = 86_400_000;
  s.decide('r', 'g', 1000, day);
  s.decide('r', 'h', 1000, day);
  t.deepEqual(s.decide('r', 'g', 1000, day - 1000), { report: false }, 'a little out of order');
  t.deepEqual(s.decide('r', 'h', 1000, day - 1), { report: false });
  t.deepEqual(s.decide('r', 'g', 1000, 5), { report: true, suppressed: 1 });
  t.deepEqual(s.decide('r', 'g', 1000, 6), { report: false });
  t.deepEqual(s.take(7), [{ rule: 'r', group: 'h', count: 1 }]);
});

test('memory is bounded, and nothing is lost silently', (t) => {
  const s = new Suppressor(100);
  let reported = 0;
  let carried = 0;
  for (let i = 0; i < 50_000; i++) {
    const decision = s.decide('r', String(Math.floor(i / 7) % 1000), 1e9, i);
    if (decision.report) {
      reported++;
      carried += decision.suppressed;
    }
  }
  t.true(s.groups <= 100);
  const held = s.take(2e9).reduce((sum, { count }) => sum + count, 0);
  t.is(reported + carried + held, 50_000);
  t.is(s.total, 50_000 - reported);
});
