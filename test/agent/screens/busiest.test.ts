import test from 'ava';
import * as fc from 'fast-check';
import { Busiest, INTERVALS, MAX_NAMES } from '../../../agent/screens/busiest.ts';
import { ExecCounter, LONGEST_NAME } from '../../../agent/screens/exec-counter.ts';
import { topScreen } from '../../../agent/screens/top-screen.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { paintNothing } from '../../../agent/terminal/paint.ts';
import { execEvent } from '../../support/fake-helper.ts';

test('the window slides: what is older than its intervals is gone, and its name forgotten', (t) => {
  const busiest = new Busiest();
  busiest.count('a');
  busiest.count('a');
  busiest.tick();
  busiest.count('b');
  t.deepEqual(
    busiest.top(9).map(({ name, count }) => [name, count]),
    [
      ['a', 2],
      ['b', 1],
    ],
  );
  for (let i = 1; i < INTERVALS; i++) busiest.tick();
  t.deepEqual(
    busiest.top(9).map(({ name }) => name),
    ['b'],
  );
  busiest.tick();
  t.deepEqual([busiest.size, busiest.total, busiest.others], [0, 0, 0]);
});

test('however many names there are, memory is bounded, and all are counted', (t) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant('tick'))), (steps) => {
      const busiest = new Busiest(5);
      const window: number[] = [0];
      for (const step of steps) {
        if (step === 'tick') {
          busiest.tick();
          window.push(0);
          if (window.length > INTERVALS) window.shift();
        } else {
          busiest.count(String(step));
          window[window.length - 1]!++;
        }
      }
      const told = busiest.top(100).reduce((sum, { count }) => sum + count, 0);
      const total = window.reduce((sum, count) => sum + count, 0);
      return busiest.size <= 5 && busiest.total === total && told + busiest.others === total;
    }),
  );
  t.pass();
});

test('so many names are told apart, unless said otherwise', (t) => {
  const busiest = new Busiest();
  for (let i = 0; i < MAX_NAMES + 5; i++) busiest.count(String(i));
  t.deepEqual([busiest.size, busiest.others, busiest.total], [MAX_NAMES, 5, MAX_NAMES + 5]);
});

const lineOf = (event: object): string => JSON.stringify(event);

test('execs are counted by program, parent, user and command; alerts and what was missed too', (t) => {
  const lines = [
    lineOf(execEvent(1, { exe: '/bin/a', uid: 0, command: '/bin/a x', parent: { pid: 1, exe: '/bin/sh' } })),
    lineOf({ ...execEvent(2, { exe: '/bin/a', uid: 5, command: '/bin/a y', parent: { pid: 7 } }), rules: [{}] }),
    lineOf(execEvent(3, { source: 'snapshot' })),
    lineOf({ type: 'missed', count: 12, cause: 'slow_reader' }),
    lineOf({ type: 'missed', count: {}, cause: null }),
    lineOf({ type: 'exec', exe: 5, parent: 7, command: ['x'] }),
    'not json',
    'null',
  ];
  const names = (by: 'program' | 'parent' | 'user' | 'command') => {
    const counter = new ExecCounter(by, (uid) => (uid === 0 ? 'root' : undefined));
    counter.take(lines);
    const { top, alerts, missed, total } = counter.facts(9);
    t.deepEqual([alerts, missed, total], [1, 12, 3]);
    return top.map(({ name, count }) => `${count} ${name}`);
  };
  t.deepEqual(names('program'), ['2 /bin/a', '1 unknown']);
  t.deepEqual(names('parent'), ['1 /bin/sh', '1 pid 7', '1 unknown']);
  t.deepEqual(names('user'), ['1 5', '1 root', '1 unknown']);
  t.deepEqual(names('command'), ['1 /bin/a x', '1 /bin/a y', '1 unknown']);
});

test('a long name is cut; rates are over the time that the window has seen', (t) => {
  let now = 0;
  const counter = new ExecCounter('command', () => undefined, { now: () => now });
  counter.take([lineOf(execEvent(1, { command: 'x'.repeat(100_000) }))]);
  now = 2000;
  t.is(counter.facts(1).top[0]!.name.length, LONGEST_NAME);
  t.is(counter.facts(1).seconds, 2);
  for (let i = 0; i < 20; i++) {
    counter.tick();
    now += 2000;
  }
  t.is(counter.facts(1).seconds, 20);
});

for (const columns of [40, 80, 200])
  test(`rows fit ${columns} columns, and hostile names stay text`, (t) => {
    const counter = new ExecCounter('command', () => undefined, { now: () => 0 });
    counter.take([
      lineOf(execEvent(1, { command: '\u001b]0;title\u0007\u001b[2J\r\n\u202e漢字' })),
      lineOf(execEvent(2, { command: 'x'.repeat(500) })),
    ]);
    counter.problem = '\u001b[31mbad';
    const lines = topScreen(counter.facts(20), { columns, paint: paintNothing, isUtf8: true });
    t.is(lines.length, 5);
    for (const line of lines) {
      t.true(widthOf(line) <= columns, line);
      t.notRegex(line, /\p{Cc}|\p{Cf}/u);
    }
  });

test('a screen of top, as it is', (t) => {
  let now = 0;
  const counter = new ExecCounter('program', () => undefined, { now: () => now });
  const lines = Array.from({ length: 90 }, (_, i) =>
    lineOf(execEvent(i, { exe: i < 80 ? '/usr/bin/cc1' : '/bin/sh' })),
  );
  counter.take(lines);
  now = 2000;
  t.deepEqual(topScreen(counter.facts(10), { columns: 60, paint: paintNothing, isUtf8: true }), [
    '45/s'.replace('45/s', '45') + ' execs/s over 2 s by program, 0 alerts (q ends)',
    '',
    '  EXECS/S SHARE TREND      PROGRAM',
    '       40   89%          █ /usr/bin/cc1',
    '      5.0   11%          █ /bin/sh',
  ]);
});
