import test from 'ava';
import { OverBudgetError } from '../../../../agent/rules/engine.ts';
import { explain, Explainer } from '../../../../agent/rules/explain/explain.ts';
import type { Explained } from '../../../../agent/rules/explain/explained.ts';
import { MAX_CHARACTERS, MAX_ITEMS, type PartlyKnown } from '../../../../agent/rules/explain/field-value.ts';
import { cutFields } from '../../../../agent/rules/fields/incomplete.ts';
import type { SigmaEvent } from '../../../../agent/rules/engine.ts';
import { execEvent } from '../../../support/fake-helper.ts';
import { load, ruleText } from '../support.ts';

function explained(detection: string, event: SigmaEvent, known?: PartlyKnown, more = ''): Explained {
  const { rules, refused } = load(ruleText(detection, 'id: r\n') + more);
  if (refused.length > 0) throw new Error(refused[0]!.problems[0]!.message);
  return explain(rules[0]!, event, known);
}

/** An explanation in short: its names with `+`, `-` or `?`, parts in brackets. */
function short({ part, text, value, held, link, parts }: Explained): string {
  const name = part === 'value' ? JSON.stringify(value) : part === 'group' ? '' : text === '' ? 'keyword' : text;
  const inner = parts === undefined ? '' : `[${link === undefined ? '' : `${link}: `}${parts.map(short).join(', ')}]`;
  return `${held === 'maybe' ? '?' : held ? '+' : '-'}${name}${inner}`;
}

const DETECTION = `
selection_image: { Image|endswith: [/bash, /sh], User|neq: root }
selection_line: [ { CommandLine|contains|all: [' -i', tcp] }, { CommandLine|re: 'nc .*-e' } ]
filter_main: { ParentImage: /usr/sbin/sshd }
words: [evil, 7]
condition: 1 of selection_* and not filter_main or all of them`;

test('a condition is explained as it was written: selectors with the identifiers they stand for, not, items, values', (t) => {
  const event = { Image: '/usr/bin/bash', CommandLine: 'bash -i', User: 'ada' };
  t.is(
    short(explained(DETECTION, event)),
    [
      '+1 of selection_* and not filter_main or all of them[any: ',
      '+[all: ',
      '+1 of selection_*[any: ',
      '+selection_image[all: +Image|endswith[any: +"/bash", -"/sh"], +User|neq[not: -"root"]], ',
      '-selection_line[any: -CommandLine|contains|all[all: +" -i", -"tcp"], -CommandLine|re[-"nc .*-e"]]], ',
      '+[not: -filter_main[-ParentImage[-"/usr/sbin/sshd"]]]], ',
      '-all of them[all: ',
      '+selection_image[all: +Image|endswith[any: +"/bash", -"/sh"], +User|neq[not: -"root"]], ',
      '-selection_line[any: -CommandLine|contains|all[all: +" -i", -"tcp"], -CommandLine|re[-"nc .*-e"]], ',
      '-filter_main[-ParentImage[-"/usr/sbin/sshd"]], ',
      '-words[any: -keyword[-"evil"], -keyword[-7]]]]',
    ].join(''),
  );
});

test('several conditions, one of which is enough; a global filter by its title; a value that stands for several', (t) => {
  const filter = `---\ntitle: Admins\nlogsource: { category: process_creation }\nfilter: { rules: [r], s: { User: ada }, condition: not s }\n`;
  const detection = "a: { CommandLine|contains|windash: ' -x' }\nb: { Image: null }\ncondition: [a, b]";
  t.is(
    short(explained(detection, { CommandLine: 'y /x', User: 'ada' }, undefined, filter)),
    '-[all: +[any: +a[+a[+CommandLine|contains|windash[+" -x"]]], +b[+b[+Image[+null]]]], -Admins[-not s[not: +s[+User[+"ada"]]]]]',
  );
});

/** The value of the event at the first item of a detection of one item. */
const valueAt = (line: string, event: SigmaEvent, known?: PartlyKnown) =>
  explained(`s: { ${line} }\ncondition: s`, event, known).parts![0]!.parts![0]!;

test('an item has the value of the event, and says where there is none, or only a part of it', (t) => {
  t.deepEqual(valueAt('Image: /x', { Image: '/y' }).event, { field: 'Image', value: '/y' });
  t.deepEqual(valueAt('Image: /x', {}).event, { field: 'Image', missing: true });
  t.deepEqual(valueAt('Image: /x', { Image: null }).event, { field: 'Image', value: null });
  t.deepEqual(valueAt('a.b: 7', { a: { b: 7 } }).event, { field: 'a.b', value: 7 });
  t.deepEqual(valueAt('a: 7', { a: { b: 7 } }).event, { field: 'a', value: '{"b":7}' });
  const ends = new Set(['Image']);
  const cut = valueAt('Image|startswith: /tmp/', { Image: 'd/prog' }, { ends });
  t.deepEqual([cut.event, cut.held], [{ field: 'Image', value: 'd/prog', known: 'end' }, 'maybe']);
  const starts = cutFields(execEvent(1, { argv_truncated: true }))!;
  t.like(valueAt('CommandLine: x', { CommandLine: 'y' }, { starts }).event, { value: 'y', known: 'start' });
  t.is(cutFields(execEvent(1)), undefined);
  t.false(
    'event' in explained('s: [evil]\ncondition: s', { Image: '/y' }).parts![0]!.parts![0]!,
    'a keyword asks no field',
  );
  const compared = valueAt('ParentImage|fieldref: Image', { Image: '/y', ParentImage: '/z' });
  t.deepEqual(
    [compared.event, compared.parts![0]!.event],
    [
      { field: 'ParentImage', value: '/z' },
      { field: 'Image', value: '/y' },
    ],
  );
});

test('values of the event are bounded: long texts, long lists, and what is in them', (t) => {
  const long = 'x'.repeat(MAX_CHARACTERS - 1) + '😀😀';
  t.deepEqual(valueAt('Image: /x', { Image: long }).event, {
    field: 'Image',
    value: 'x'.repeat(MAX_CHARACTERS - 1),
    length: long.length,
  });
  const { value, length } = valueAt('flags: x', { flags: Array.from({ length: 100_000 }, () => long) }).event!;
  t.is((value as string[]).length, MAX_ITEMS);
  t.true((value as string[]).every((one) => one.length < MAX_CHARACTERS));
  t.is(length, 100_000);
  t.true(JSON.stringify(valueAt('a: x', { a: { b: long.repeat(9) } })).length < 2 * MAX_CHARACTERS);
});

test('an explanation takes bounded time and room', (t) => {
  const { rules } = load(
    ruleText('s: { CommandLine|contains: [aa, bb, cc] }\nt: { CommandLine|re: a+b }\ncondition: s or t'),
  );
  const [{ expression }] = rules as [(typeof rules)[0]];
  const event = { CommandLine: 'x'.repeat(1000) };
  t.notThrows(() => new Explainer(expression).explain(event));
  t.throws(() => new Explainer(expression, { steps: 2000 }).explain(event), {
    instanceOf: OverBudgetError,
    message: 'more than 2000 steps',
  });
  t.throws(() => new Explainer(expression, { parts: 5 }).explain(event), {
    instanceOf: OverBudgetError,
    message: 'more than 5 parts',
  });
});

test('one explanation leaves nothing for the next', (t) => {
  const { rules } = load(ruleText('s: { Image: a }\ncondition: s'));
  const held = (event: SigmaEvent, known?: PartlyKnown) => explain(rules[0]!, event, known).held;
  t.deepEqual(
    [held({ Image: 'a' }), held({}), held({ Image: '' }, { ends: new Set(['Image']) }), held({ Image: '' })],
    [true, false, 'maybe', false],
  );
});
