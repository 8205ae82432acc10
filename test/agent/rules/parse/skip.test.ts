import test from 'ava';
import { formatRefused, loadRules, type RuleSet } from '../../../../agent/rules/load.ts';
import { load, PROCESSES, ruleText, warnings } from '../support.ts';

const GOOD = ruleText('selection:\n    Image: a\ncondition: selection', 'id: good\n');
const outcome = (set: RuleSet) => ({
  rules: set.rules.map(({ title }) => title),
  refused: formatRefused(set.refused),
  skipped: set.skipped.map(({ reason }) => reason),
});

// Each has a mistake that refuses it where it is in use.
const DETECTION = 'detection: { s: { Image|nonsense: a }, condition: s | count() > 5 }\n';
const OURS = 'logsource: { category: process_creation }\n';

for (const [name, text, reason] of [
  ['retired', `title: x\nstatus: deprecated\n${OURS}${DETECTION}`, 'its status is deprecated'],
  ['never supported', `title: x\nstatus: unsupported\n${OURS}${DETECTION}`, 'its status is unsupported'],
  [
    'of another product',
    `title: x\nlogsource: { category: process_creation, product: windows }\n${DETECTION}`,
    'its log source is process_creation/windows, not process_creation/linux',
  ],
  [
    'of another category',
    `title: x\nlogsource: { category: file_event }\n${DETECTION}`,
    'its log source is file_event, not process_creation/linux',
  ],
  [
    'of another service, with metadata that is no text',
    `title: [x]\nid: {}\nlogsource: { product: linux, service: auditd }\n${DETECTION}`,
    'its log source is linux/auditd, not process_creation/linux',
  ],
  [
    'a global filter of another product',
    'title: f\nlogsource: { product: windows }\nfilter: { rules: [] }\n',
    'its log source is windows, not process_creation/linux',
  ],
  [
    'a retired correlation',
    'title: c\nstatus: deprecated\ncorrelation: { type: nonsense }\n',
    'its status is deprecated',
  ],
] as const) {
  test(`a document with mistakes that is ${name} is skipped, not refused`, (t) => {
    t.deepEqual(outcome(load(text)), { rules: [], refused: [], skipped: [reason] });
    t.deepEqual(warnings(text), []);
  });
}

test('the same mistakes in a rule for this machine refuse it', (t) => {
  t.is(outcome(load(`title: x\n${OURS}${DETECTION}`)).refused.length, 2);
});

for (const [name, text] of [
  ['a workflow', 'name: build\non: [push]\njobs: { build: { steps: [] } }\n'],
  ['a pipeline with a title', 'title: THOR\norder: 20\nbackends: [thor]\nlogsources: { a: { product: linux } }\n'],
  ['a description of a test', 'id: 1\ndescription: x\nrule_metadata: [{ id: 1, title: x }]\n'],
  ['text', 'just text\n'],
  ['a list', '- a\n- b\n'],
] as const) {
  test(`${name} is no rule: it is counted, and not refused`, (t) => {
    t.deepEqual(outcome(load(text)), { rules: [], refused: [], skipped: ['it is no rule'] });
  });
}

test('a rule that is begun is refused for what it lacks', (t) => {
  t.deepEqual(outcome(load('title: x\nid: y\n')).refused, [
    'test.yml:1:1: the logsource is missing',
    'test.yml:1:1: the detection is missing',
  ]);
});

test('a skipped rule takes no name from one that is used; a retired copy switches a rule off', (t) => {
  const foreign = GOOD.replace('category: process_creation', 'product: windows');
  t.deepEqual(outcome(load(`${foreign}---\n${GOOD}`)).rules, ['Test']);
  t.deepEqual(outcome(load(`${GOOD}---\n${GOOD.replace('title: Test', 'title: Old\nstatus: deprecated')}`)), {
    rules: ['Test'],
    refused: [],
    skipped: ['its status is deprecated'],
  });
  const off = outcome(load(`${GOOD.replace('title: Test', 'title: Off\nstatus: deprecated')}---\n${GOOD}`));
  t.deepEqual(off.rules, []);
  t.regex(off.refused[0]!, /"good" already belongs to "Off"/);
});

test('a correlation over a skipped rule is idle, not faulty', (t) => {
  const text = `title: x\nname: win\nlogsource: { product: windows }\n${DETECTION}---\ntitle: c\ncorrelation: { type: event_count, rules: [win], timespan: 1m, condition: { gte: 2 } }\n`;
  t.deepEqual(outcome(load(text)), {
    rules: [],
    refused: [],
    skipped: ['its log source is windows, not process_creation/linux', 'rules it refers to are not in use'],
  });
});

const COLLECTION = `action: global
title: Old style
logsource: { category: process_creation }
---
detection: { s: { Image: a }, condition: s }
---
detection: { s: { Image: b }, condition: s }
`;

test('a collection of Sigma 1 is named as what it is, once', (t) => {
  const { refused, rules } = outcome(load(COLLECTION));
  t.deepEqual(rules, []);
  t.is(refused.length, 1);
  t.regex(refused[0]!, /^test\.yml:1:9: action: "action: global" makes a collection, in which rules share keys/);
  t.regex(outcome(load(COLLECTION.replace('global', 'repeat'))).refused[0]!, /"action: repeat" makes a collection/);
});

test('a collection of which nothing is for this machine is skipped', (t) => {
  const windows = COLLECTION.replace('category: process_creation', 'product: windows');
  t.deepEqual(outcome(load(windows)).refused, []);
  t.deepEqual(outcome(load(windows)).skipped, Array(2).fill('its log source is windows, not process_creation/linux'));
  t.deepEqual(outcome(load(COLLECTION.replace('title:', 'status: unsupported\ntitle:'))).refused, []);
});

test('an own key "action" is no collection', (t) => {
  t.deepEqual(outcome(load(GOOD.replace('title: Test', 'title: Test\naction: isolate'))).rules, ['Test']);
});

test('other files go on loading beside it', (t) => {
  const set = loadRules(
    [
      { file: 'old.yml', text: COLLECTION },
      { file: 'good.yml', text: GOOD },
    ],
    PROCESSES,
  );
  t.deepEqual(outcome(set).rules, ['Test']);
});

for (const [name, head, expected] of [
  ['empty tags', 'tags:\n', /tags: expected text, found nothing; it is left out/],
  ['an empty tag', 'tags: [attack.execution, ]\n', undefined],
  ['an empty description', 'description:\n', /description: expected text, found nothing/],
  ['a description that is a map', 'description: { en: x }\n', /description: expected text, found a map/],
  ['authors as a list', 'author: [Ada, Grace]\n', /author: expected text, found a list/],
  ['an unknown status', 'status: draft\n', /status: expected one of stable, .* found "draft"/],
  ['an unknown level', 'level: severe\n', /level: expected one of informational, .* found "severe"/],
  ['an empty level', 'level:\n', /level: expected text, found nothing/],
  ['an id that is no text', 'id: [x]\n', /id: expected text, found a list/],
  ['relations of another form', 'related: { old: x }\n', /related: expected a list of \{id, type\}, found a map/],
  ['a relation of another kind', 'related: [{ id: x, type: copy }]\n', /related\[0\]\.type: expected one of/],
  ['a foreign "correlation"', 'correlation: see 4711\n', /correlation: not read: the document has a detection/],
  ['a foreign "filter"', 'filter: { rules: [x] }\n', /filter: not read: the document has a detection/],
  ['foreign "tests"', 'tests: [atomic-1]\n', /tests: not read as tests: .* found a list/],
  ['foreign "tests" in a map', 'tests: { atomic: 1 }\n', /tests: not read as tests/],
] as const) {
  test(`unusual metadata, ${name}, is a warning, and the rule is loaded`, (t) => {
    const text = ruleText('selection:\n    Image: a\ncondition: selection', head);
    t.deepEqual(outcome(load(text)), { rules: ['Test'], refused: [], skipped: [] });
    if (expected !== undefined) t.regex(warnings(text)[0]!, expected);
  });
}
