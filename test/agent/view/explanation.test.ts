import test from 'ava';
import { correlationTextOf, cutCommand, treeOf } from '../../../agent/view/explanation.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { paintNothing } from '../../../agent/terminal/paint.ts';
import type { SigmaEvent } from '../../../agent/rules/engine.ts';
import { CorrelationExplainer } from '../../../agent/rules/explain/correlation.ts';
import { explain } from '../../../agent/rules/explain/explain.ts';
import type { PartlyKnown } from '../../../agent/rules/explain/field-value.ts';
import { load, ruleText } from '../rules/support.ts';

function tree(detection: string, event: SigmaEvent, columns = 80, known?: PartlyKnown): string {
  const { rules } = load(ruleText(detection));
  return treeOf(explain(rules[0]!, event, known), { columns, paint: paintNothing, isUtf8: true }).join('\n');
}

test('a tree shows what held and what did not, with the values of the event', (t) => {
  const detection = `
selection_image: { Image|endswith: [/bash, /sh], User|neq: root, CurrentDirectory|exists: false }
selection_line: [ { CommandLine|contains|all: [' -i', tcp] }, { ParentImage|fieldref: Image } ]
words: [evil, 7]
condition: 1 of selection_* and not words`;
  const event = { Image: '/usr/bin/bash', CommandLine: 'bash -i', User: 'ada', ParentImage: '/usr/bin/bash' };
  t.is(
    tree(detection, event),
    `
✓ 1 of selection_* and not words
├─ ✓ 1 of selection_*
│  ├─ ✓ selection_image
│  │  ├─ ✓ Image|endswith ← /usr/bin/bash
│  │  │  ├─ ✓ /bash
│  │  │  └─ ✗ /sh
│  │  ├─ ✓ User|neq: root ← ada
│  │  └─ ✓ CurrentDirectory|exists: false ← the event has no CurrentDirectory
│  └─ ✓ selection_line (any of)
│     ├─ ✗ CommandLine|contains|all ← bash -i
│     │  ├─ ✓ ' -i'
│     │  └─ ✗ tcp
│     └─ ✓ ParentImage|fieldref: Image ← /usr/bin/bash ← /usr/bin/bash
└─ ✓ not
   └─ ✗ words (any of)
      ├─ ✗ keyword: evil
      └─ ✗ keyword: 7`.trim(),
  );
});

test('a condition that is one search is not said twice; of many values, those that decide are shown', (t) => {
  const many = Array.from({ length: 30 }, (_, i) => `v${i}`);
  const event = { CommandLine: many.filter((_, i) => i % 11 === 0).join(' ') };
  t.is(
    tree(`s: { CommandLine|contains: [${many.join()}] }\ncondition: s`, { CommandLine: 'x v17' }),
    `
✓ s
└─ ✓ CommandLine|contains ← x v17
   ├─ ✓ v1
   ├─ ✓ v17
   └─ 28 others that did not hold`.trim(),
  );
  t.regex(
    tree(`s: { CommandLine|contains|all: [${many.join()}] }\ncondition: s`, event),
    /├─ ✗ v3\n[^]*└─ 23 others$/u,
  );
  t.regex(tree(`s: { User: [${many.join()}] }\ncondition: s`, {}), /├─ ✗ v6\n {3}└─ 23 others that did not hold$/u);
});

test('what is known in part is said, and what may hold has a mark of its own', (t) => {
  const image = (line: string, known: PartlyKnown) =>
    tree(`s: { ${line} }\ncondition: s`, { Image: 'd/prog', CommandLine: 'x' }, 80, known);
  t.is(
    image('Image|startswith: /tmp/', { ends: new Set(['Image']) }),
    '? s\n└─ ? Image|startswith: /tmp/ ← d/prog (only its end is known)',
  );
  t.is(
    image('CommandLine|contains: y', { starts: new Set(['CommandLine']) }),
    '✗ s\n└─ ✗ CommandLine|contains: y ← x (its end was cut)',
  );
});

test('values fit the terminal, and none is obeyed by it', (t) => {
  const event = { CommandLine: '\u001b[2J\n' + '漢'.repeat(5000), Image: ['a', '\u202e'], User: '' };
  const detection = `s: { CommandLine|contains: "\\e]0;x", Image: null, User: '' }\ncondition: s`;
  for (const columns of [40, 80, 200]) {
    const text = tree(detection, event, columns);
    t.notRegex(text.replaceAll('\n', ''), /\p{C}/u);
    for (const line of text.split('\n')) t.true(widthOf(line) <= columns, `${columns}: ${line}`);
    t.true(text.includes(`["a","\\u{202e}"]`) && text.includes("User: '' ← ''"), text);
    t.true(widthOf(cutCommand(event.CommandLine, { columns, paint: paintNothing, isUtf8: true })) <= columns);
  }
  t.regex(tree(detection, event, 80), /\(of 5005 characters\)/u);
  t.regex(
    tree(`s: { Image|re: ${'x'.repeat(90)} }\ncondition: s`, { Image: '/usr/bin/env' }),
    /x{90}\n {6}← \/usr\/bin\/env$/u,
    'a rule is never cut',
  );
});

test('a correlation says which rules matched, and what is in its window', (t) => {
  const set = load(
    `title: Who\nname: a\nlogsource: { category: process_creation }\ndetection: { s: { Image: a }, condition: s }\n---\n` +
      `title: Else\nname: b\nlogsource: { category: process_creation }\ndetection: { s: { Image: b }, condition: s }\n---\n` +
      'title: Often\nid: often\ncorrelation: { type: event_count, rules: [a, b], group-by: [User], timespan: 10s, condition: { gte: 2 } }\n',
  );
  const explainer = new CorrelationExplainer(set.correlations[0]!, set);
  const say = (event: SigmaEvent) =>
    correlationTextOf(explainer.explain(event, 0)!, { columns: 80, paint: paintNothing, isUtf8: true });
  t.is(explainer.explain({ Image: 'c' }, 0), undefined);
  t.deepEqual(say({ Image: 'a', User: 'ada\u001b' }), [
    '✓ Who',
    '  1 other rule did not match',
    '✗ Often, User ada\\x1b: 1 within 10 s, needs at least 2',
  ]);
  t.deepEqual(say({ Image: 'b', User: 'ada\u001b' }).at(-1), '✓ Often, User ada\\x1b: 2 within 10 s, needs at least 2');
  t.deepEqual(say({ Image: 'b' }).at(-1), '✗ Often: not counted, since the event has no User that can be');
});
