import test from 'ava';
import { Engine } from '../../../agent/rules/engine.ts';
import { imageOf, incompleteFields } from '../../../agent/rules/fields/incomplete.ts';
import { createMapper } from '../../../agent/rules/fields/mapper.ts';
import { Filters, filtersOf } from '../../../agent/rules/filter.ts';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { load, ruleText } from './support.ts';

const TAIL = 'd/d/d/prog';
const IMAGE = new Set(['Image']);

/** Whether a rule with this detection alerts on an image of which only the end is known. */
function alerts(detection: string, event: Record<string, unknown> = {}, fields: ReadonlySet<string> = IMAGE): boolean {
  const { rules, refused } = load(ruleText(detection));
  if (refused.length > 0) throw new Error(refused[0]!.problems[0]!.message);
  const engine = new Engine(rules.map(({ expression }) => expression));
  return engine.matchIncomplete({ Image: TAIL, ...event }, fields, () => true).length > 0;
}
const item = (line: string, event?: Record<string, unknown>) => alerts(`s:\n    ${line}\ncondition: s`, event);

for (const [line, expected] of [
  ['Image|startswith: /tmp/', true],
  ['Image|startswith: d/d', true],
  ['Image: /tmp/d/d/d/prog', true],
  ['Image: /tmp/D/d/d/PROG', true],
  ['Image: /tmp/prog', false],
  ['Image: d/d/d/prog', true],
  ['Image|contains: /tmp/', true],
  ['Image|contains: d/prog', true],
  ["Image|re: '^/tmp/'", true],
  ["Image|re: 'prog$'", true],
  ['Image|endswith: /prog', true],
  ['Image|endswith: /other', false],
  ['Image|endswith: /tmp/d/d/d/prog', true],
  ['Image|endswith: /tmp/d/x/d/prog', false],
  ["Image: '/tmp/*/prog'", true],
  ["Image: '/tmp/*/other'", false],
  ["Image: '/t?p/*'", true],
  ['Image|startswith|cased: /tmp/', true],
  ['Image|endswith|cased: /PROG', false],
  ['Image|contains|all: [/tmp/, /x/]', true],
  ['Image: [/bin/sh, /bin/bash]', false],
  ['Image|startswith: [/tmp/, /dev/shm/]\n    CommandLine|contains: evil', false],
  ['Image|fieldref: CommandLine', true],
  ['Image|exists: false', false],
  ['Image: null', false],
  ['CommandLine|startswith: /tmp/', false],
] as const) {
  test(`of an incomplete path, ${line.replace('\n    ', ', ')} ${expected ? 'may match' : 'cannot match'}`, (t) => {
    t.is(item(line, { CommandLine: 'prog' }), expected);
  });
}

test('what may be does not hold a rule back, under a "not" as little as beside one', (t) => {
  const condition = (text: string, event?: Record<string, unknown>) =>
    alerts(
      `sel: {Image|endswith: /prog}\nfilter: {Image|startswith: /usr/}\nother: {User: root}\ncondition: ${text}`,
      event,
    );
  t.true(condition('sel and not filter'));
  t.true(condition('filter'));
  t.true(condition('not filter'));
  t.false(condition('not sel'));
  t.false(condition('filter and other', { User: 'ada' }));
  t.true(condition('filter and other', { User: 'root' }));
  t.true(condition('not (filter and other)', { User: 'ada' }));
  t.true(condition('sel and not 1 of filter*'));
});

test('a rule without a trigger, and a keyword, are asked as well', (t) => {
  t.true(alerts('s: {Image|startswith: /usr/}\ncondition: not s'));
  t.true(alerts('s: [/tmp/]\ncondition: s'));
});

test('a field that is whole is judged exactly beside one that is not', (t) => {
  const fields = new Set(['ParentImage']);
  const parent = { Image: '/bin/sh', ParentImage: TAIL };
  t.true(alerts('s: {ParentImage|startswith: /tmp/, Image: /bin/sh}\ncondition: s', parent, fields));
  t.false(alerts('s: {ParentImage|startswith: /tmp/, Image: /bin/ls}\ncondition: s', parent, fields));
});

test('the ordinary answer is the same before and after an incomplete event', (t) => {
  const { rules } = load(ruleText('s: {Image|startswith: /tmp/}\ncondition: s'));
  const engine = new Engine(rules.map(({ expression }) => expression));
  const ordinary = () => [engine.match({ Image: '/tmp/x' }).length, engine.match({ Image: 'd/x' }).length];
  t.deepEqual(ordinary(), [1, 0]);
  t.is(engine.matchIncomplete({ Image: 'd/x' }, IMAGE, () => true).length, 1);
  t.deepEqual(ordinary(), [1, 0]);
});

test('a filter drops what certainly matches, and keeps what may', (t) => {
  const decide = (action: string, detection: object, image = TAIL) => {
    const { filters } = filtersOf(
      [
        { detection: { s: detection, condition: 's' }, action },
        { detection: { s: { Image: '*' }, condition: 's' }, action: 'drop' },
      ],
      'test',
    );
    return new Filters(filters.slice(0, 1)).decide({ Image: image }, IMAGE)?.action;
  };
  t.is(decide('drop', { 'Image|startswith': '/usr/' }), undefined);
  t.is(decide('keep', { 'Image|startswith': '/usr/' }), 'keep');
  t.is(decide('drop', { 'Image|endswith': '/prog' }), 'drop');
  t.is(decide('drop', { 'Image|contains': '/d/' }), 'drop');
  t.is(decide('drop', { 'Image|re': 'prog' }), undefined);
  t.is(decide('keep', { 'Image|endswith': '/other' }), undefined);
});

const cut = (more: Partial<ExecEvent>): ExecEvent => execEvent(1, { exe: TAIL, flags: ['exe_truncated'], ...more });

for (const [name, event, image] of [
  ['an absolute path', { filename: `/tmp/x/${TAIL}` }, `/tmp/x/${TAIL}`],
  ['a path with dots in it', { filename: `/tmp/./y/../x/${TAIL}` }, `/tmp/x/${TAIL}`],
  ['a relative path in a known directory', { filename: './prog', cwd: '/tmp/d/d/d' }, `/tmp/${TAIL}`],
] as const) {
  test(`${name} that a program was asked for by is its image, where it ends alike`, (t) => {
    t.is(imageOf(cut(event)), image);
    t.deepEqual([...incompleteFields(cut(event))!], ['exe']);
    const map = createMapper({ platform: 'linux', fields: new Set(['Image']) });
    t.deepEqual(map(cut(event)), { Image: image });
  });
}

for (const [name, event] of [
  ['a script, whose path is another', { filename: '/tmp/script' }],
  ['a link', { filename: '/home/ada/link' }],
  ['a descriptor', { filename: '/dev/fd/3' }],
  [
    'a relative path in a directory that is cut',
    { filename: 'prog', cwd: '/d/d', flags: ['exe_truncated', 'cwd_truncated'] },
  ],
  ['a relative path in a directory that is not known', { filename: 'prog' }],
  ['no path', { filename: undefined as never }],
] as const) {
  test(`${name} says nothing of where the image lies`, (t) => {
    const exec = cut(event as Partial<ExecEvent>);
    t.is(imageOf(exec), TAIL);
    t.true(incompleteFields(exec)!.has('Image'));
  });
}

test('every flag has its fields, and an event whose paths are whole has none', (t) => {
  const fieldsOf = (...flags: string[]) => incompleteFields(execEvent(1, { exe: 'd/x', flags }));
  t.deepEqual([...fieldsOf('parent_exe_truncated')!], ['ParentImage', 'parent.exe']);
  t.deepEqual([...fieldsOf('cwd_truncated')!], ['CurrentDirectory', 'cwd']);
  t.deepEqual([...fieldsOf('cgroup_truncated')!], ['cgroup', 'container']);
  t.is(fieldsOf('script'), undefined);
  t.is(incompleteFields(execEvent(1, { exe: '/x' })), undefined);
});

const ENVIRONMENT = incompleteFields(execEvent(1, { env: { A: '/x' }, env_truncated: true }))!;
const reads = (line: string, event: Record<string, unknown> = {}) =>
  alerts(`s:\n    ${line}\ncondition: s`, { Environment: ['A=/x'], env: { A: '/x' }, ...event }, ENVIRONMENT);

for (const [line, expected] of [
  ['Environment|contains: LD_PRELOAD=', true],
  ['Environment|startswith: A=', true],
  ['Environment: LD_PRELOAD=/x', true],
  ["Environment|re: '^B='", true],
  ['env.LD_PRELOAD|exists: true', true],
  ['env.LD_PRELOAD|startswith: /tmp', true],
  ['env.LD_PRELOAD: null', true],
  ['env.A|exists: false', false],
  ['Environment|contains: LD_PRELOAD=\n    Image: /bin/ls', false],
] as const) {
  test(`of an incomplete environment, ${line.replace('\n    ', ', ')} ${expected ? 'may match' : 'cannot match'}`, (t) => {
    t.is(reads(line), expected);
  });
}

test('what an incomplete environment has holds, and what it has not may be there', (t) => {
  const condition = (text: string) =>
    alerts(
      `has: {Environment|startswith: A=}\nlacks: {Environment|startswith: B=}\ncondition: ${text}`,
      { Environment: ['A=/x'] },
      ENVIRONMENT,
    );
  t.false(condition('not has'));
  t.true(condition('not lacks'));
  t.true(condition('has and not lacks'));
});

test('variables that are missing are no reason to think that a keyword is there', (t) => {
  t.false(alerts('s: [/tmp/]\ncondition: s', {}, ENVIRONMENT));
  t.true(alerts('s: [d/prog]\ncondition: s', {}, ENVIRONMENT));
});

test('an event whose environment is cut is incomplete beside paths that are, and only then', (t) => {
  t.deepEqual([...ENVIRONMENT], ['Environment', 'env', 'env_repeated']);
  t.true(incompleteFields(execEvent(1, { exe: 'd/x', flags: ['exe_truncated'], env_truncated: true }))!.has('exe'));
  t.is(incompleteFields(execEvent(1, { env: { A: '' } })), undefined);
});
