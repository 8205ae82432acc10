import test from 'ava';
import fc from 'fast-check';
import { MAX_COMMAND, MAX_LINE, readLine, worst, type ShownEvent } from '../../../agent/page/event-model.ts';
import { HOSTILE_COMMANDS } from '../support/hostile-commands.ts';
import { execEvent } from '../../support/fake-helper.ts';

function eventOf(event: object): ShownEvent {
  const line = readLine(JSON.stringify(event));
  if (line.kind !== 'event') throw new Error(line.kind);
  return line.event;
}

/** Every text in a value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

for (const argv of HOSTILE_COMMANDS)
  test(`shown safely, and cut: ${JSON.stringify(argv).slice(0, 50)}`, (t) => {
    const event = eventOf({
      ...execEvent(1),
      argv,
      command: argv.join(' '),
      cwd: argv.join(' '),
      exe: argv[0],
      error: argv.at(-1),
    });
    for (const text of textsIn(event)) t.notRegex(text, UNSAFE);
    t.true(event.command.length <= MAX_COMMAND + 40);
    t.true(event.line.length <= MAX_LINE);
    t.true(JSON.stringify(event).length < 40_000);
  });

test('any JSON is read, whatever its types are, into text that is safe and of bounded size', (t) => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const names = [
    'type',
    'pid',
    'command',
    'argv',
    'rules',
    'ancestors',
    'parent',
    'explanations',
    'flags',
    'time',
    'count',
    'uid',
    'euid',
  ];
  const object = fc.dictionary(fc.constantFrom(...names), value);
  fc.assert(
    fc.property(object, fc.constantFrom('exec', 'exec_failed', 'gap', 'missed', 'other'), (fields, type) => {
      const line = readLine(JSON.stringify({ ...fields, type }));
      return textsIn(line).every((text) => !UNSAFE.test(text)) && JSON.stringify(line).length < 300_000;
    }),
  );
  for (const text of ['', 'null', '7', '"x"', '[]', '{', '{}']) t.is(readLine(text).kind, 'other');
});

test('an alert says its rules, and the conditions that held with the values that they found', (t) => {
  const explanation = {
    part: 'condition',
    held: true,
    link: 'all',
    parts: [
      {
        part: 'item',
        text: 'Image|endswith',
        held: true,
        value: '/curl',
        event: { field: 'Image', value: '/usr/bin/curl' },
      },
      { part: 'item', text: 'User', held: false, value: 'root' },
      {
        part: 'filter',
        held: true,
        link: 'not',
        parts: [{ part: 'item', text: 'ParentImage', held: true, value: '/x' }],
      },
    ],
  };
  const { rules } = eventOf({
    ...execEvent(1),
    rules: [{ id: 'one', title: 'Download', level: 'medium', tags: ['attack.t1105'] }],
    explanations: [{ id: 'one', title: 'Download', explanation }],
  });
  t.deepEqual(rules, [
    {
      id: 'one',
      title: 'Download',
      level: 'medium',
      tags: ['attack.t1105'],
      measure: undefined,
      reasons: ['Image|endswith: /curl (is /usr/bin/curl)'],
    },
  ]);
});

test('gaps and missed lines are told apart', (t) => {
  t.deepEqual(readLine('{"type":"missed","count":7,"cause":"rate"}'), { kind: 'missed', count: 7, cause: 'rate' });
  t.like(readLine('{"type":"gap","first":3,"last":5,"count":3,"hop":"ring","cause":"ring_full","time":"x"}'), {
    kind: 'gap',
    gap: { first: 3, last: 5, count: 3, hop: 'ring', cause: 'ring_full' },
  });
});

test('the worst of some levels', (t) => {
  t.is(worst([]), undefined);
  t.is(worst(['low', 'critical', 'high']), 'critical');
  t.is(worst(['invented']), 'invented');
});
