import test from 'ava';
import { Engine } from '../../../../agent/rules/engine.ts';
import { formatRefused, loadRules, summarize } from '../../../../agent/rules/load.ts';
import { load, matches, PROCESSES, refusals, ruleText, warnings } from '../support.ts';

const GOOD = ruleText('selection:\n    Image: a\ncondition: selection');

test('one bad rule does not disable the others, in the same file or another', (t) => {
  const set = loadRules(
    [
      {
        file: 'a.yml',
        text: `${GOOD}---\ntitle: Bad\nlogsource: {category: process_creation}\ndetection: {selection: {Image: a}}\n---\n${GOOD.replace('Test', 'Third')}`,
      },
      { file: 'b.yml', text: 'title: [unclosed' },
      { file: 'c.yml', text: GOOD.replace('Test', 'Fourth') },
    ],
    PROCESSES,
  );
  t.deepEqual(
    set.rules.map((r) => r.title),
    ['Test', 'Third', 'Fourth'],
  );
  t.is(summarize(set), '3 rules, 2 refused, 0 skipped');
  const [bad, unclosed] = formatRefused(set.refused);
  t.is(bad, 'a.yml:11:12: detection: the condition is missing');
  t.regex(unclosed!, /^b\.yml:1:\d+: not valid YAML/);
});

test('every problem of a rule is named with file, line, column and path', (t) => {
  const text = [
    'title: Test',
    'level: hihg',
    'status: done',
    'related:',
    '    - {id: x, type: copy}',
    'logsource:',
    '    category: process_creation',
    'detection:',
    '    selection:',
    '        Image|endwith: a',
    '    condition: selection and seletion',
  ].join('\n');
  t.deepEqual(refusals(text), [
    'test.yml:10:9: detection.selection.Image|endwith: unknown modifier "endwith", did you mean "endswith"?',
    'test.yml:11:30: detection.condition: unknown search identifier "seletion", did you mean "selection"?',
  ]);
  t.deepEqual(warnings(text), [
    'test.yml:3:9: status: expected one of stable, test, experimental, deprecated, unsupported, found "done"; it is left out',
    'test.yml:2:8: level: expected one of informational, low, medium, high, critical, found "hihg", did you mean "high"?; it is left out',
    'test.yml:5:21: related[0].type: expected one of derived, obsolete, merged, renamed, similar, found "copy"; it is left out',
  ]);
});

test('a rule that is not whole is refused for what it lacks', (t) => {
  t.regex(refusals('title: x')[0]!, /the logsource is missing/);
  t.regex(refusals('title: x\nlogsource: {}\n')[0]!, /expected a category, a product or a service/);
  t.regex(refusals('title: x\nlogsource: {category: process_creation}\n')[0]!, /the detection is missing/);
  t.regex(refusals(`taxonomy: ecs\n${GOOD}`)[0]!, /taxonomy "ecs" is not known/);
  t.regex(refusals(GOOD.replace('title: Test', 'description: x'))[0]!, /the title is missing/);
  t.regex(refusals(ruleText('selection: {}\ncondition: selection'))[0]!, /an empty map matches nothing/);
  t.regex(
    refusals(ruleText('timeframe: 5m\nselection: {Image: a}\ncondition: selection'))[0]!,
    /timeframe belongs to the old aggregations/,
  );
  t.deepEqual(load('').rules, []);
});

test('anchors are read, and an alias bomb is refused', (t) => {
  t.true(matches('a: &x\n    Image: a\nb: *x\ncondition: a and b', { Image: 'a' }));
  let bomb = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
  for (let i = 1; i < 9; i++)
    bomb += `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(', ')}]\n`;
  t.regex(refusals(`title: x\n${bomb}`)[0]!, /more than 200000 values/);
});

test('rules are chosen by log source, status and level', (t) => {
  const kept = (head: string, logsource = '{category: process_creation}', options = {}) => {
    const set = load(`title: x\n${head}logsource: ${logsource}\ndetection: {s: {Image: a}, condition: s}`, options);
    return set.rules.length === 1 ? 'kept' : set.skipped[0]?.reason;
  };
  t.is(kept(''), 'kept');
  t.is(kept('', '{product: linux}'), 'kept');
  t.is(
    kept('', '{category: process_creation, product: windows}'),
    'its log source is process_creation/windows, not process_creation/linux',
  );
  t.is(kept('', '{product: linux, service: auditd}'), 'its log source is linux/auditd, not process_creation/linux');
  t.is(kept('status: deprecated\n'), 'its status is deprecated');
  t.is(kept('status: unsupported\n'), 'its status is unsupported');
  t.is(kept('status: deprecated\n', undefined, { statuses: new Set(['deprecated']) }), 'kept');
  t.is(kept('level: low\n', undefined, { minLevel: 'medium' }), 'its level is low, below medium');
  t.is(kept('level: high\n', undefined, { minLevel: 'medium' }), 'kept');
  t.is(kept('', undefined, { minLevel: 'medium' }), 'kept');
});

// Specification, "Identification": "The rule obsoletes the referred rule or rules, which aren't used anymore."
test('a rule that another obsoletes is not used, and one it is merely related to is', (t) => {
  const rule = (id: string, related = '') =>
    `title: ${id}\nid: ${id}\n${related}logsource: {category: process_creation}\ndetection: {s: {Image: a}, condition: s}\n---\n`;
  const set = load(
    rule('old') +
      rule('other') +
      rule('new', 'related:\n    - {id: old, type: obsolete}\n    - {id: other, type: similar}\n'),
  );
  t.deepEqual(
    set.rules.map((r) => r.id),
    ['other', 'new'],
  );
  t.is(set.skipped[0]?.reason, 'obsoleted by "new"');
});

test('an id belongs to one rule', (t) => {
  const text = GOOD.replace('title: Test', 'title: Test\nid: same');
  t.regex(
    formatRefused(load(`${text}---\n${text}`).refused)[0]!,
    /id: "same" already belongs to "Test" \(test\.yml:1\)$/,
  );
  t.regex(
    formatRefused(load(`${GOOD}---\n${GOOD}`).refused)[0]!,
    /title: "Test" already belongs to "Test" \(test\.yml:1\); give each an id$/,
  );
});

test('own keys are kept, and a key that is one letter off is pointed out', (t) => {
  const set = load(GOOD.replace('title: Test', 'title: Test\nauthor: Ada\nx_severity: 3\nfalsepositive: [a]'));
  t.is(set.rules[0]?.custom.get('x_severity'), 3);
  t.is(set.rules[0]?.author, 'Ada');
  t.regex(
    warnings(GOOD.replace('title: Test', 'title: Test\nfalsepositive: [a]'))[0]!,
    /unknown key "falsepositive", did you mean "falsepositives"\?/,
  );
});

const condition = (text: string, a: boolean, b: boolean, c: boolean) =>
  matches(`sel_a: {A: y}\nsel_b: {B: y}\nfilter_c: {C: y}\n_base: {D: y}\ncondition: ${text}`, {
    ...(a ? { A: 'y' } : {}),
    ...(b ? { B: 'y' } : {}),
    ...(c ? { C: 'y' } : {}),
  });

test('conditions bind as the specification says: or, and, not, x of, parentheses', (t) => {
  t.true(condition('sel_a or sel_b and filter_c', true, false, false));
  t.false(condition('(sel_a or sel_b) and filter_c', true, false, false));
  t.true(condition('not sel_a and sel_b', false, true, false));
  t.false(condition('not (sel_a and sel_b)', true, true, false));
  t.true(condition('not not sel_a', true, false, false));
  t.true(condition('not 1 of filter_* and sel_a', true, false, false));
  t.true(condition('SEL_A OR sel_a'.replace('SEL_A', 'sel_b'), true, false, false), 'operators in capitals');
});

test('1 of and all of go over identifiers by pattern, and leave out those that begin with an underscore', (t) => {
  t.true(condition('1 of them', false, false, true));
  t.true(condition('all of them', true, true, true));
  t.false(condition('all of them', true, true, false));
  t.true(condition('all of sel_*', true, true, false));
  t.true(condition('any of sel*', false, true, false));
  t.true(condition('1 of *_b', false, true, false));
  t.false(condition('1 of _*', true, true, true));
});

test('several conditions are linked with OR', (t) => {
  t.true(matches('a: {A: y}\nb: {B: y}\ncondition: [a, b]', { B: 'y' }));
});

test('lists of maps are OR, maps are AND, and both can be nested', (t) => {
  const detection = 'selection:\n    - Image: a\n      User: b\n    - Image: c\ncondition: selection';
  t.true(matches(detection, { Image: 'a', User: 'b' }));
  t.false(matches(detection, { Image: 'a' }));
  t.true(matches(detection, { Image: 'c' }));
  t.true(
    matches('selection:\n    - Image: a\n    - word\ncondition: selection', { X: 'a word' }),
    'maps and keywords in one list',
  );
});

test('a faulty condition is refused at the word that is wrong', (t) => {
  const refused = (text: string) => refusals(ruleText(`sel_a: {A: y}\ncondition: ${text}`))[0]!;
  const at = (column: number) => new RegExp(`^test\\.yml:6:${column}: detection\\.condition: `);
  for (const [text, column, message] of [
    ['sel_a and', 25, /ends too early/],
    ['sel_a sel_a', 22, /expected "and", "or" or the end, found "sel_a"/],
    ['(sel_a', 22, /expected "\)"/],
    ['sel_a)', 21, /found "\)"/],
    ['2 of sel_*', 16, /expected "1 of", "any of" or "all of", found "2 of"/],
    ['1 of nothing_*', 21, /no search identifier fits "nothing_\*"/],
    ['1 of', 20, /expected "them" or a pattern/],
    ['and sel_a', 16, /expected a search identifier, found "and"/],
    ['sel_a | count() > 3', 22, /write a correlation rule instead/],
    ['sel_a & sel_a', 22, /unexpected "&"/],
    [`${'('.repeat(120)}sel_a`, 116, /nested deeper than 100 levels/],
  ] as const) {
    t.regex(refused(text), at(column), text);
    t.regex(refused(text), message, text);
  }
});

test('global filters join the rules they name with AND', (t) => {
  const rule = `title: Rule\nid: r1\nname: my_rule\nlogsource: {category: process_creation, product: linux}\ndetection: {selection: {Image: a}, condition: selection}\n---\n`;
  const filter = (rules: string, logsource = '{category: process_creation}') =>
    `title: Filter\nlogsource: ${logsource}\nfilter:\n    rules: ${rules}\n    selection: {User|startswith: adm_}\n    condition: not selection\n`;
  const hits = (text: string, event: object) =>
    new Engine(load(text).rules.map((r) => r.expression)).match(event as never).length;
  for (const names of ['[r1]', '[my_rule]', 'any', 'r1']) {
    t.is(hits(rule + filter(names), { Image: 'a', User: 'adm_ada' }), 0, names);
    t.is(hits(rule + filter(names), { Image: 'a', User: 'ada' }), 1, names);
  }
  t.is(hits(rule + filter('[other]'), { Image: 'a', User: 'adm_ada' }), 1);
  t.regex(warnings(rule + filter('[other]'))[0]!, /there is no rule "other"/);
  t.is(
    hits(rule + filter('any', '{category: process_creation, product: windows}'), { Image: 'a', User: 'adm_ada' }),
    1,
  );
  const wide = rule.replace(', product: linux', '');
  t.is(hits(wide + filter('[r1]', '{category: process_creation, product: linux}'), { Image: 'a', User: 'adm_ada' }), 1);
  t.regex(
    warnings(wide + filter('[r1]', '{category: process_creation, product: linux}'))[0]!,
    /filter\.rules: it leaves "Rule" as it is, whose log source is process_creation, not process_creation\/linux/,
  );
  const burst =
    'title: Burst\nid: c1\ncorrelation: {type: event_count, rules: [r1], timespan: 1m, condition: {gte: 2}}\n---\n';
  t.regex(warnings(rule + burst + filter('[c1]'))[0]!, /"Burst" is a correlation; name the rules that it counts/);
  t.deepEqual(warnings(rule + filter('[r1]')), []);
  t.regex(
    refusals(
      'title: F\nlogsource: {category: process_creation}\nfilter: {selection: {A: b}, condition: selection}',
    )[0]!,
    /the rules are missing/,
  );
});
