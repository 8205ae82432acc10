import test from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Detector } from '../../../agent/rules/detect.ts';
import { createMapper } from '../../../agent/rules/fields/mapper.ts';
import { Engine } from '../../../agent/rules/engine.ts';
import { formatProblem } from '../../../agent/problem.ts';
import { formatRefused, loadRules } from '../../../agent/rules/load.ts';
import { runRuleTests } from '../../../agent/rules/tests.ts';
import { readLines, SKIPPED } from './data.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../../agent/rules/builtin');
const FILES = readdirSync(FOLDER)
  .sort()
  .map((file) => ({ file, text: readFileSync(path.join(FOLDER, file), 'utf8') }));
const load = (product: string) => loadRules(FILES, { logsource: { category: 'process_creation', product } });

for (const platform of ['linux', 'macos', 'windows'] as const) {
  test(`the starter rules for ${platform} load without a warning, and each passes tests of both kinds`, (t) => {
    const set = load(platform);
    t.deepEqual([...formatRefused(set.refused), ...set.warnings.map(formatProblem)], []);
    const results = runRuleTests(set, (event) =>
      createMapper({ platform, fields: new Detector(set).fields })(event as never),
    );
    t.deepEqual(
      results.filter((r) => !r.passed),
      [],
    );
    for (const rule of [...set.rules, ...set.correlations]) {
      if (!rule.reports) continue;
      const kinds = new Set(results.filter((r) => r.rule === rule.id).map((r) => r.expected));
      t.is(kinds.size, 2, rule.title);
      t.true(rule.level !== undefined && rule.author === 'Platform Probes', rule.title);
    }
  });
}

const check = SKIPPED === '' ? test : test.skip;
check(`${SKIPPED}on a benign Linux machine the starter rules stay nearly silent`, (t) => {
  const { rules } = load('linux');
  const engine = new Engine(rules.map((r) => r.expression));
  const hits = new Map<string, number>();
  for (const line of readLines('events_linux.jsonl.gz')) {
    for (const i of engine.match(JSON.parse(line)))
      if (rules[i]!.reports) hits.set(rules[i]!.title, (hits.get(rules[i]!.title) ?? 0) + 1);
  }
  const total = [...hits.values()].reduce((a, b) => a + b, 0);
  t.true(total < 10, JSON.stringify([...hits]));
});
