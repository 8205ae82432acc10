import test from 'ava';
import { Detector } from '../../../agent/rules/detect.ts';
import { formatRefused, loadRules, type LoadOptions, type RuleSet } from '../../../agent/rules/load.ts';
import { MAX_RULE_TESTS, MAX_SET_TESTS } from '../../../agent/rules/parse/room.ts';
import { PROCESSES, ruleText } from './support.ts';

/** A large rule file: more than a third of the largest that is read. */
const SIZE = 400_000;

/** As many pieces as fill a part of the largest file. */
function filled(piece: (i: number) => string, size = SIZE): string {
  const pieces: string[] = [];
  for (let i = 0, left = size; left > 0; i++) {
    const text = piece(i);
    pieces.push(text);
    left -= text.length;
  }
  return pieces.join('');
}

const GOOD = ruleText('selection:\n    Image: /good\ncondition: selection', 'id: good\n');
const rule = (id: string, detection = 's: x\ncondition: s') => `---\n${ruleText(detection, `id: ${id}\n`)}`;
const correlation = (id: string, rules: string, head = '') =>
  `---\ntitle: C\nid: ${id}\n${head}correlation:\n    type: event_count\n    timespan: 1m\n    condition:\n        gte: 2\n    rules:\n${rules}`;

function load(texts: readonly string[], options: Partial<LoadOptions> = {}): RuleSet {
  return loadRules(
    [...texts, GOOD].map((text, i) => ({ file: `${i}.yml`, text })),
    { ...PROCESSES, ...options },
  );
}

/** One item with as many values as a file has room for. */
const values = (modifiers: string, value: (i: number) => string) =>
  ruleText('s:\n', '').replace(
    's:\n',
    `s:\n        a|${modifiers}:\n${filled((i) => `            - '${value(i)}'\n`)}    condition: s\n`,
  );

const identifiers = filled((i) => `    s${i}: x\n`, SIZE / 2);
const condition = (text: string) => `    condition: ${filled(() => text, SIZE / 2)}s1\n`;
const detection = (text: string) => `${ruleText('', '').trimEnd()}\n${text}`;

/** A file, or several, and what is said about them. Without the bound, one of a megabyte takes minutes, or all memory there is. */
const HOSTILE: Readonly<Record<string, { texts: readonly string[]; says: RegExp; options?: Partial<LoadOptions> }>> = {
  'a condition that names all identifiers again and again': {
    texts: [detection(`${identifiers}${condition('1 of them or ')}`)],
    says: /^0\.yml:\d+:\d+: detection\.condition: more than 200000 tests up to here; split the rule$/,
  },
  'a condition that looks for few identifiers among many': {
    texts: [detection(`${identifiers}${condition('1 of s1 or ')}`)],
    says: /detection\.condition: more than 200000 tests up to here; split the rule$/,
  },
  'a pattern of names with thousands of stars': {
    texts: [detection(`${identifiers}    condition: 1 of ${'*a'.repeat(SIZE / 5)}\n`)],
    says: /detection\.condition: a name of 160000 characters; at most 256 are read$/,
  },
  'dashes that can be written in five ways, encoded': {
    texts: [values('windash|base64offset|contains', (i) => ` -a -b -c${i}`)],
    says: /^0\.yml:\d+:\d+: detection\.s\.a\|windash\|base64offset\|contains\[\d+\]: more than 200000 tests up to here/,
  },
  'placeholders that stand for thousands of values': {
    texts: [values('expand', (i) => `%a%%a%%a%%a%${i}`)],
    says: /detection\.s\.a\|expand\[\d+\]: more than 200000 tests up to here/,
    options: { placeholders: new Map([['a', [...'0123456789']]]) },
  },
  'expressions with counted repetitions': {
    texts: [values('re', (i) => `[a-z]{900}${i}`)],
    says: /detection\.s\.a\|re\[\d+\]: more than 200000 tests up to here/,
  },
  'global filters, each for every rule': {
    texts: [
      filled((i) => rule(`r${i}`), SIZE / 2.5),
      filled(
        (i) => rule(`f${i}`, 's: x\ncondition: not s').replace('detection:', 'filter:\n    rules: any'),
        SIZE / 2.5,
      ),
    ],
    says: /^1\.yml:\d+:1: filter: joined to \d+ rules, it brings all rules beyond 1000000 tests; name fewer rules$/,
  },
  'one id for all rules': {
    texts: [filled(() => rule('one'))],
    says: /^0\.yml:10:1: id: "one" already belongs to "Test" \(0\.yml:2\)$/,
  },
  'a correlation over rules that nobody has': {
    texts: [
      filled((i) => rule(`rule-${i}`)),
      correlation(
        'c',
        filled((i) => `        - rule${i}\n`),
      ),
    ],
    says: /^1\.yml:10:9: correlation\.rules: \d+ rules; a correlation is over 400 at most$/,
  },
  'many correlations over rules that nobody has': {
    texts: [filled((i) => correlation(`c${i}`, `        - none${i}\n`))],
    says: /^0\.yml:2:1: correlation\.rules: there is no loaded rule "none0"$/,
  },
  'a long chain of correlations, the last one first': {
    texts: [
      rule('base'),
      filled((i) => correlation(`c${i}`, `        - ${i === 0 ? 'base' : `c${i - 1}`}\n`, 'level: low\n')),
    ],
    says: /^1\.yml:1102:1: correlation\.rules: it belongs to a chain of more than 100 correlations, each over the next$/,
  },
  'a long chain of correlations, the first one first': {
    texts: [filled((i) => correlation(`c${i}`, `        - c${i + 1}\n`, 'level: low\n'))],
    says: /correlation\.rules: it belongs to a chain of more than 100 correlations, each over the next$/,
  },
};

for (const [name, { texts, says, options }] of Object.entries(HOSTILE)) {
  test(`refused within bounds, and alone: ${name}`, (t) => {
    const set = load(texts, options);
    t.regex(formatRefused(set.refused)[0] ?? '', says);
    t.true(set.rules.some(({ id }) => id === 'good'));
    t.true(new Detector(set).observe({ Image: '/good' }, 0).some(({ id }) => id === 'good'));
  });
}

test('a refusal is short, however long the key or the value that is wrong', (t) => {
  const long = 'x'.repeat(SIZE);
  for (const wrong of [
    `s:\n    a|${long}: x\ncondition: s`,
    `s:\n    ${long}|no: x\ncondition: s`,
    `s: x\ncondition: ${long}`,
  ])
    t.true(formatRefused(load([ruleText(wrong)]).refused).join('').length < 3000);
});

test('files of many keys, and filters of many names, take time in proportion to their length', (t) => {
  const keys = filled((i) => `k${i}: x\n`);
  const names = `title: F\nfilter:\n    rules:\n${filled((i) => `        - none${i}\n`)}    s: x\n    condition: not s\nlogsource:\n    category: process_creation\n`;
  const set = load([`${ruleText('s: x\ncondition: s')}${keys}`, names, filled((i) => rule(`r${i}`))]);
  t.deepEqual(set.refused, []);
});

test('large rules that people write have room: a list of thousands of values, and many such rules', (t) => {
  const list = (id: number) =>
    rule(String(id), `s:\n    sha256:\n${filled((i) => `        - ${id}x${i}\n`, 50_000)}condition: s`);
  const set = load(Array.from({ length: 20 }, (_, i) => list(i)));
  t.deepEqual(formatRefused(set.refused), []);
  t.is(set.rules.length, 21);
  t.true(MAX_SET_TESTS >= 5 * MAX_RULE_TESTS);
});

test('when the rules of a set have no room together, the rules that came first are used', (t) => {
  const regexes = (id: number) =>
    rule(
      String(id),
      `s:\n    a|re:\n${Array.from({ length: 90 }, (_, i) => `        - '[a-z]{900}${i}'\n`).join('')}condition: s`,
    );
  const set = load(Array.from({ length: 14 }, (_, i) => regexes(i)));
  const [first] = formatRefused(set.refused);
  t.is(first, '12.yml:2:1: all rules up to here have more than 1000000 tests; use fewer, or smaller ones');
  t.deepEqual(
    set.rules.map(({ id }) => id),
    [...Array.from({ length: 12 }, (_, i) => String(i)), 'good'],
  );
});
