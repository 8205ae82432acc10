import test from 'ava';
import { formatEvent, formatHeader, type LiveViewOptions } from '../../../agent/view/live-view.ts';
import { paintNothing } from '../../../agent/terminal/paint.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { EXEC_EXAMPLE, EXEC_FAILED_EXAMPLE } from '../../../shared/events/exec.ts';
import { EXIT_EXAMPLE } from '../../../shared/events/exit.ts';
import { FORK_EXAMPLE } from '../../../shared/events/fork.ts';
import { GAP_EXAMPLE } from '../../../shared/events/gap.ts';
import type { StreamEvent } from '../../../agent/events/item.ts';

const view = (overrides: Partial<LiveViewOptions> = {}): LiveViewOptions => ({
  columns: 100,
  userNames: new Map([
    [0, 'root'],
    [1000, 'ada'],
  ]),
  accountName: (sid) => (sid === 'S-1-5-18' ? String.raw`NT AUTHORITY\SYSTEM` : sid),
  paint: paintNothing,
  zoneOffset: () => 60,
  ...overrides,
});

const paint: LiveViewOptions['paint'] = (style, text) => `<${style}>${text}`;

test('an exec is one aligned line under its header: time here, user, pid, parent, command, flags', (t) => {
  t.is(formatHeader(view()), 'TIME         USER           PID    PPID COMMAND');
  t.is(formatEvent(EXEC_EXAMPLE, view()), '14:20:00.123 ada          12345   12001 /usr/bin/npm install [script]');
});

test('a user without a name is a number', (t) => {
  t.regex(formatEvent({ ...EXEC_EXAMPLE, uid: 4711 }, view()), / 4711 /);
});

test('a Windows user is the account without its domain, or the end of the SID', (t) => {
  const { uid: _, ...event } = EXEC_EXAMPLE;
  t.regex(formatEvent({ ...event, user_sid: 'S-1-5-18' }, view()), /^14:20:00\.123 SYSTEM +12345 /);
  t.regex(formatEvent({ ...event, user_sid: 'S-1-5-21-1-2-3-1001' }, view()), /^14:20:00\.123 …-2-3-1001 +12345 /);
});

test('an attempt that failed says why', (t) => {
  t.is(
    formatEvent(EXEC_FAILED_EXAMPLE, view()),
    '14:20:00.123 ada          12346   12001 /usr/local/bin/npm install [ENOENT]',
  );
});

test('a program that runs with other rights than its caller says so', (t) => {
  t.regex(formatEvent({ ...EXEC_EXAMPLE, flags: ['setuid'], euid: 0 }, view()), /\[setuid euid 0\]$/);
});

test('an alert names its rules, in red', (t) => {
  const alert = {
    ...EXEC_EXAMPLE,
    rules: [
      { id: 'a', title: 'Shell', level: 'high' },
      { id: 'b', title: 'No Level' },
    ],
  };
  t.regex(formatEvent(alert, view()), / \/usr\/bin\/npm install \[HIGH: Shell ALERT: No Level script\]$/);
  t.regex(formatEvent(alert, view({ paint })), /<red>\/usr\/bin\/npm install <red>\[/);
});

test('an exit says how and after how long', (t) => {
  t.is(formatEvent(EXIT_EXAMPLE, view()), '14:20:03.000              12345         exit 0 after 2.877 s');
});

test('a fork says what the new process runs, under its parent', (t) => {
  t.is(formatEvent(FORK_EXAMPLE, view()), '14:20:00.122              12345   12001 fork of /usr/bin/bash');
  t.is(formatEvent(FORK_EXAMPLE, view({ indent: '└ ' })).slice(-23), '└ fork of /usr/bin/bash');
  const { exe: _, ...nameless } = FORK_EXAMPLE;
  t.regex(formatEvent({ ...nameless, comm: '\u001b[31mx' }, view()), / fork of \S*x$/);
  t.false(formatEvent({ ...nameless, comm: '\u001b[31mx' }, view()).includes('\u001b'));
});

test('variables stand behind the command, where there is room for them', (t) => {
  const event = {
    ...EXEC_EXAMPLE,
    env: { LD_PRELOAD: '', A: 'b\u001b[0m' },
    env_repeated: { LD_PRELOAD: ['/tmp/x.so'] },
  };
  const line = formatEvent(event, view());
  t.regex(line, /install \[script\] LD_PRELOAD= LD_PRELOAD=\/tmp\/x…$/);
  t.is(widthOf(line), 100);
  t.false(formatEvent(event, view({ columns: Infinity })).includes('\u001b'));
  t.is(formatEvent({ ...EXEC_EXAMPLE, env: {} }, view()), formatEvent(EXEC_EXAMPLE, view()));
  for (let columns = 1; columns < 130; columns++) {
    const width = widthOf(formatEvent(EXEC_EXAMPLE, view({ columns })));
    t.true(widthOf(formatEvent(event, view({ columns }))) <= Math.max(columns, width));
  }
});

test('a gap fills a whole line of its own', (t) => {
  const line = formatEvent(GAP_EXAMPLE, view());
  t.is(line.trim(), '14:20:05.000 !!! 64 EVENTS MISSING: numbers 7302121 to 7302184, lost at ring (ring_full) !!!');
  t.is(line.length, 100);
});

test('a gap stands out in colour', (t) => {
  t.true(formatEvent(GAP_EXAMPLE, view({ paint })).startsWith('<alarm>'));
});

test('root is shown in another colour than everybody else', (t) => {
  t.regex(formatEvent({ ...EXEC_EXAMPLE, uid: 0 }, view({ paint })), /<yellow>root/);
  t.regex(formatEvent(EXEC_EXAMPLE, view({ paint })), /<cyan>ada/);
});

test('every line fits the terminal, however narrow, and flags outlive a long command', (t) => {
  const events: StreamEvent[] = [
    { ...EXEC_EXAMPLE, command: `/bin/sh -c ${'日本語 x'.repeat(50)}`, flags: ['memfd'] },
    { ...EXEC_FAILED_EXAMPLE, command: 'x'.repeat(400) },
    EXIT_EXAMPLE,
    GAP_EXAMPLE,
    { type: 'connect', to: 'x'.repeat(400) },
  ];
  for (const columns of [20, 30, 40, 60, 80, 100, 200]) {
    for (const event of events)
      t.true(widthOf(formatEvent(event, view({ columns }))) <= columns, `${event.type} in ${columns}`);
    t.true(formatHeader(view({ columns })).length <= columns);
  }
  t.regex(formatEvent(events[0]!, view({ columns: 80 })), /… \[memfd\]$/);
});

test('no field of an event reaches the terminal as it is', (t) => {
  const evil = '\x1b[31m\u202e\n';
  const events: StreamEvent[] = [
    { ...EXEC_EXAMPLE, command: evil, flags: [evil], time: evil, rules: [{ title: evil, level: evil }] } as StreamEvent,
    { ...EXEC_FAILED_EXAMPLE, command: evil, error: evil },
    { ...EXIT_EXAMPLE, signal: evil },
    { ...GAP_EXAMPLE, hop: evil, cause: evil },
    { type: evil, [evil]: evil },
  ];
  for (const event of events) t.notRegex(formatEvent(event, view()), /\p{C}/u, event.type);
});

test('an event of an unknown type is shown as JSON', (t) => {
  t.is(formatEvent({ type: 'connect', to: '192.0.2.1' }, view()), 'connect {"type":"connect","to":"192.0.2.1"}');
});

test.serial('where nothing is cut, nobody counts the characters of a command, of which there can be a million', (t) => {
  const long = 'ä'.repeat(1000);
  const alert = { ...EXEC_EXAMPLE, rules: [{ id: 'a', title: long }] };
  const events: StreamEvent[] = [
    { ...EXEC_EXAMPLE, command: long, env: { LANG: long } },
    { ...alert, command: long },
    { ...FORK_EXAMPLE, exe: long },
    { ...EXEC_FAILED_EXAMPLE, command: long },
    { ...EXIT_EXAMPLE, signal: long },
    { ...GAP_EXAMPLE, cause: long },
    { type: 'new', long } as unknown as StreamEvent,
  ];
  const { segment } = Intl.Segmenter.prototype;
  t.teardown(() => (Intl.Segmenter.prototype.segment = segment));
  let longest = 0;
  Intl.Segmenter.prototype.segment = function (text) {
    longest = Math.max(longest, text.length);
    return segment.call(this, text);
  };
  for (const event of events) t.true(formatEvent(event, view({ columns: Infinity })).includes(long), event.type);
  t.true(longest < long.length, `${longest} characters were counted`);
  formatEvent(events[0]!, view());
  t.is(longest, long.length, 'a row of a terminal is measured');
});
