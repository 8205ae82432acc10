import test from 'ava';
import fc from 'fast-check';
import { parseConfig } from '../../../agent/config/load.ts';
import { checkRules } from '../../../agent/detection/check-rules.ts';
import { suppressionsOf } from '../../../agent/detection/suppression.ts';
import { Detector } from '../../../agent/rules/detect.ts';
import { loadRules, type RuleSet } from '../../../agent/rules/load.ts';
import { runRuleTests } from '../../../agent/rules/tests.ts';
import { textOf } from '../../../agent/yaml/text.ts';
import { PROCESSES, ruleText } from './support.ts';

const RUNS = Number(process.env['RULES_PROPERTY_RUNS'] ?? 500);

const GOOD = ruleText('selection:\n    Image: /good\ncondition: selection', 'id: good\n');

const FRAGMENTS = [
  '!!omap ',
  '!!set ',
  '!!binary ',
  '!!timestamp ',
  '!!str ',
  '!!pairs ',
  '!local ',
  '! ',
  '!<tag:x> ',
  '&a ',
  '*a',
  '*evil*',
  '<<: *a\n',
  '<<: ',
  '? ',
  ': ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '"',
  "'",
  '|\n',
  '>-\n',
  '#',
  '%YAML 1.1\n',
  '%TAG ! x\n',
  '---\n',
  '...\n',
  '\n',
  '  ',
  '\t',
  '\r\n',
  '\0',
  '\ufeff',
  '\x1b',
  '\ud800',
  '\u2028',
  '__proto__',
  'constructor',
  'toString',
  'null',
  '~',
  'true',
  '.inf',
  '.nan',
  '0x10',
  '1e400',
  '-0',
  '9007199254740993',
  'title: ',
  'detection:\n  ',
  'condition: ',
  'logsource: ',
  'category: process_creation\n',
  'status: deprecated\n',
  'correlation: ',
  'filter: ',
  'tests:\n  match: ',
  'action: global\n',
  'related: ',
  'tags:\n',
  'suppress: once per 1m\n',
  'Image|re: ',
  'Image|cidr: ',
  'Image|gt: ',
  'Image|expand: ',
  'Image|fieldref: ',
  'Image|windash|base64offset: ',
  '(a|b)*',
  '(?i)',
  '\\',
  '[[:alpha:]]',
  '{1,99999}',
  '%x%',
  '1 of them',
  'all of s*',
  'not ',
  ' and ',
  ' or ',
  '(',
  'outputs:',
  'name: a',
  'type: file',
  'filters:',
  'rules:',
  'placeholders:',
  'timespan: 1m',
  'gte: 1',
  'group-by: [a]',
];
const fragment = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...FRAGMENTS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...FRAGMENTS), fc.constantFrom(10, 300, 3000)).map(([f, n]) => f.repeat(n)),
  },
);
const soup = fc.array(fragment, { maxLength: 25 }).map((parts) => parts.join(''));

const RULES = `title: Test
id: a
status: test
tags: [attack.execution]
suppress: once per 1m per Image
logsource: { category: process_creation }
detection:
    selection:
        Image|endswith: ['/a', '/b']
        CommandLine|re: 'a+b'
    other:
        - User: c
        - word
    condition: selection and not 1 of other*
tests:
    match: [{ Image: /a, CommandLine: aab }]
---
title: Burst
correlation: { type: event_count, rules: [a], group-by: [Image], timespan: 1m, condition: { gte: 2 } }
`;
const CONFIG = `outputs:
  - &file { name: a, type: file, path: /var/log/a }
  - { <<: *file, name: b, path: /var/log/b, events: alerts }
filters:
  - { detection: { s: { 'User|expand': '%admins%' }, condition: s }, action: keep }
rules: { builtin: false, placeholders: { admins: [ada] }, suppress: [{ report: once per 1m }] }
log: { level: info }
`;

/** Text with some of it cut out and something else put in. */
const damaged = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(12), fragment), { minLength: 1, maxLength: 5 })
    .map((edits) => edits.reduce((all, [at, cut, put]) => all.slice(0, at) + put + all.slice(at + cut), text));

/** All that is done with rules from their text to an answer. */
function judge(text: string): RuleSet {
  const set = loadRules(
    [
      { file: 'odd.yml', text },
      { file: 'good.yml', text: GOOD },
    ],
    PROCESSES,
  );
  for (const { problems } of set.refused) {
    if (problems.length === 0) throw new Error('refused without a reason');
    for (const { file, line, message } of problems) {
      if (line < 1 && !message.startsWith('"')) throw new Error(`no line: ${file}: ${message}`);
      if (message.startsWith('cannot be read')) throw new Error(message);
    }
  }
  suppressionsOf({ suppress: [] }, set);
  runRuleTests(set, (event) => event);
  const detector = new Detector(set);
  const events = [{ Image: '/good', CommandLine: 'aab', User: 'c', __proto__: { x: 1 } }, { Image: ['/a', 1, null] }];
  for (const event of events) {
    detector.observe(event, 0);
    detector.observe(event, 0, new Set(['Image']));
  }
  return set;
}

const hasGood = ({ rules, refused }: RuleSet): boolean =>
  rules.some(({ id, file }) => id === 'good' && file === 'good.yml') ||
  refused.some(({ file, problems }) => file === 'good.yml' && problems[0]!.message.includes('already belongs to'));

for (const [name, texts] of [
  ['any text', soup],
  ['damaged rules', damaged(RULES)],
] as const) {
  test(`${name} of a rule file is loaded, skipped or refused with a line, and keeps no other file from loading`, (t) => {
    const counts = { loaded: 0, refused: 0, skipped: 0 };
    fc.assert(
      fc.property(texts, (text) => {
        const set = judge(text);
        if (!hasGood(set)) throw new Error('the good rule is lost');
        counts.loaded += set.rules.length - 1;
        counts.refused += set.refused.length;
        counts.skipped += set.skipped.length;
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
    t.true(counts.refused > RUNS / 10, JSON.stringify(counts));
  });
}

for (const [name, texts] of [
  ['any text', soup],
  ['a damaged configuration', damaged(CONFIG)],
] as const) {
  test(`${name} in agent.yaml is good or has problems with places`, (t) => {
    fc.assert(
      fc.property(texts, (text) => {
        const loaded = parseConfig(text, 'agent.yaml');
        if (loaded.ok) {
          if (loaded.config.rules !== undefined)
            checkRules({ ...loaded.config.rules, folders: [], builtin: false }, 'linux', loaded.placeOf);
          return;
        }
        if (loaded.problems.length === 0) throw new Error('wrong without a reason');
        for (const { line, column, message } of loaded.problems)
          if (line < 1 || column < 1 || message === '' || message.startsWith('cannot be read'))
            throw new Error(`${line}:${column}: ${message}`);
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
    t.pass();
  });
}

test('the undamaged texts are good', (t) => {
  t.is(judge(RULES).rules.length, 2);
  t.true(parseConfig(CONFIG, 'agent.yaml').ok);
});

test('any bytes are text or refused', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      let text: string;
      try {
        text = textOf(Buffer.from(bytes));
      } catch (error) {
        return (error as Error).message.startsWith('expected UTF-8, found ');
      }
      judge(text);
      return true;
    }),
    { numRuns: RUNS },
  );
  t.pass();
});

test('texts at the limits of a file are loaded or refused', (t) => {
  const rule = (selection: string) =>
    `title: x\nlogsource: { category: process_creation }\ndetection: { s: ${selection}, condition: s }\n`;
  const size = 900_000;
  for (const text of [
    rule(`['${'a'.repeat(size)}']`),
    rule(`{ X: '${'a*'.repeat(size / 2)}' }`),
    rule(`{ X: '${'?'.repeat(4000)}*${'a?'.repeat(2000)}*' }`),
    rule(`{ X|re: '${'a'.repeat(size)}' }`),
    rule(`{ X|re: '[${'\u4e00\u4e02'.repeat(150_000)}]' }`),
    rule(`{ X|re: '${'(?:a|b)*'.repeat(50)}' }`),
    rule(`{ X|contains: [${'ab, '.repeat(190_000)}ab] }`),
    rule(`{ X|cased: [${Array.from({ length: 100_000 }, (_, i) => `a${i}`).join(', ')}] }`),
    rule(`{ X: a }`).replace('condition: s', `condition: '${'s or '.repeat(150_000)}s'`),
    rule(`{ X: a }`).replace('condition: s', `condition: '${'('.repeat(100_000)}'`),
    '---\n'.repeat(200_000),
    '--- a\n'.repeat(150_000),
    `title: x\ntags: [${'a, '.repeat(190_000)}]\nlogsource: { category: process_creation }\ndetection: { s: [a], condition: s }\n`,
  ])
    t.true(hasGood(judge(text)), text.slice(0, 100));
});
