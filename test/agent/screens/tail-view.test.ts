import test from 'ava';
import { TailView, type TailViewOptions } from '../../../agent/screens/tail-view.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { paintNothing } from '../../../agent/terminal/paint.ts';
import { missedLine } from '../../../agent/recent/missed.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';

const view = (more: Partial<TailViewOptions> = {}): TailView =>
  new TailView({
    columns: () => 80,
    userNames: new Map([[1000, 'ada']]),
    accountName: (sid) => sid,
    paint: paintNothing,
    zoneOffset: () => 0,
    isUtf8: true,
    tree: false,
    ...more,
  });

const missed = (count: number, cause: 'rate' | 'slow_reader' | 'too_long'): string => {
  const { memory } = missedLine(count, cause);
  return memory.toString().trim();
};

test('what was missed, how many, and why', (t) => {
  t.is(
    view().row(missed(1200, 'rate')),
    '-- 1,200 events not shown: there were more a second than --rate lets through',
  );
  t.is(view().row(missed(1, 'too_long')), '-- 1 event not shown: too long to be held');
  t.is(view().row(missed(3, 'slow_reader')), '-- 3 events not shown: this terminal is too slow');
  t.is(
    view().row('{"type":"missed","count":2,"cause":"of a later version"}'),
    '-- 2 events not shown: of a later version',
  );
});

const HOSTILE = '\u001b]0;title\u0007\u001b[2J\r\n\u202e\u009b31m\u200b';
const rule = { id: 'x', title: `Title ${HOSTILE}`, level: 'critical' };

for (const columns of [40, 80, 200])
  test(`whatever a line holds, it is one row of at most ${columns} columns that a terminal obeys nothing of`, (t) => {
    const tail = view({ columns: () => columns, tree: true });
    for (const line of [
      JSON.stringify(execEvent(1, { command: HOSTILE.repeat(20), flags: [HOSTILE], uid: 5 })),
      JSON.stringify({ ...execEvent(2), rules: [rule, null, 5, { title: 7 }, { title: 'a', level: {} }] }),
      JSON.stringify({ ...execEvent(3), rules: 'none' }),
      JSON.stringify({ ...execEvent(4), pid: HOSTILE, parent: 'x' }),
      JSON.stringify(gapEvent(1, 3, { hop: HOSTILE, cause: HOSTILE })),
      JSON.stringify({ type: HOSTILE, a: HOSTILE }),
      JSON.stringify({ type: 'missed', count: HOSTILE, cause: HOSTILE }),
      JSON.stringify({ type: 'missed' }),
      JSON.stringify({ type: 'exit', time: HOSTILE }),
      JSON.stringify({ type: 'hello' }),
      JSON.stringify([HOSTILE]),
      'null',
      '',
      '{"type":"exec"',
      HOSTILE.repeat(100),
      `"${'x'.repeat(100_000)}"`,
    ]) {
      const row = tail.row(line);
      t.true(widthOf(row) <= columns, `${widthOf(row)}: ${row}`);
      t.notRegex(row, /\p{Cc}|\p{Cf}/u);
    }
  });

test('alerts have the colour of their most severe rule', (t) => {
  const tail = view({ columns: () => 200, paint: (style, text) => `<${style}>${text}` });
  for (const [levels, style] of [
    [['low', 'critical', 'medium'], 'critical'],
    [['high'], 'red'],
    [['medium', 'low'], 'yellow'],
    [['informational'], 'cyan'],
    [[undefined], 'red'],
    [['of a later version'], 'red'],
  ] as const) {
    const line = JSON.stringify({ ...execEvent(1), rules: levels.map((level) => ({ id: 'x', title: 'T', level })) });
    t.true(tail.row(line).includes(`<${style}>/usr/bin/true`), tail.row(line));
  }
});

test('below an alert, a tree for each rule that is explained; whatever is there instead, nothing', (t) => {
  const explanation = {
    part: 'search',
    text: 's',
    held: true,
    parts: [
      {
        part: 'item',
        text: 'Image',
        held: true,
        event: { field: 'Image', value: HOSTILE },
        parts: [{ part: 'value', value: 'x', held: true }],
      },
    ],
  };
  const below = (explanations: unknown) => view().explanations(JSON.stringify({ ...execEvent(1), explanations }));
  const rows = below([
    { id: 'a', title: `Rule ${HOSTILE}`, explanation },
    { id: 'b', title: 'Costly' },
  ]);
  t.deepEqual(
    [rows.length, rows[1], rows[4]],
    [5, '    ✓ s', '    it would take too long, or too much room, to say why'],
  );
  t.true(rows[2]!.startsWith('    └─ ✓ Image: x ← \\x1b]0;title'));
  for (const row of rows) {
    t.notRegex(row, /\p{C}/u);
    t.true(widthOf(row) <= 80, row);
  }
  for (const odd of [
    undefined,
    null,
    7,
    [null],
    [7],
    [{ explanation: 7 }],
    [{ explanation: { part: 'value', held: HOSTILE } }],
    [{ explanation: { part: 'of', text: 7, held: true } }],
    [{ explanation: { part: 'item', text: 'a', held: true, parts: 7 } }],
  ])
    for (const row of below(odd)) t.notRegex(row, /\p{C}/u);
  t.deepEqual(view().explanations('{"type":'), []);
});
