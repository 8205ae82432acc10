import test from 'ava';
import fc from 'fast-check';
import { Detector } from '../../../../agent/rules/detect.ts';
import { Engine } from '../../../../agent/rules/engine.ts';
import { CorrelationExplainer } from '../../../../agent/rules/explain/correlation.ts';
import { Explainer, isMatch } from '../../../../agent/rules/explain/explain.ts';
import type { Explained, Held } from '../../../../agent/rules/explain/explained.ts';
import { formatRefused, loadRules, type RuleSet } from '../../../../agent/rules/load.ts';
import { readExpected, readLines, readRuleFiles, SKIPPED } from '../data.ts';
import { document, event, madeFor, picks, rule } from '../random.ts';

/** RULES_PROPERTY_RUNS=100000 is the full proof; it takes minutes. */
const RUNS = Number(process.env['RULES_PROPERTY_RUNS'] ?? 1500);

/** An explanation has to be right at every part, so what a part says of itself follows from its parts. */
function heldByParts({ link, parts, held }: Explained): Held {
  if (parts === undefined) return held;
  const helds = parts.map(heldByParts);
  const has = (wanted: Held): boolean => helds.includes(wanted);
  if (link === 'not') return helds[0] === 'maybe' ? 'maybe' : !helds[0];
  if (link === 'any') return has(true) || (has('maybe') ? 'maybe' : false);
  return has(false) ? false : has('maybe') ? 'maybe' : true;
}

const explainersOf = (set: RuleSet) => set.rules.map((one) => new Explainer(one.expression));

test(`${RUNS} random rule sets: the root of an explanation is the engine's verdict, with paths that are whole and that are not`, (t) => {
  let [matches, pairs, maybes] = [0, 0, 0];
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      fc.array(event, { minLength: 1, maxLength: 4 }),
      fc.array(picks, { minLength: 1, maxLength: 4 }),
      fc.subarray(['Image', 'CommandLine', 'User'], { minLength: 1 }),
      (rules, random, chosen, incomplete) => {
        const events = [...random, ...chosen.map((each) => madeFor(rules, each))];
        const text = rules.map(document).join('\n---\n');
        const set = loadRules([{ file: 'random.yml', text }], { logsource: { category: 'process_creation' } });
        if (set.refused.length > 0) throw new Error(`${formatRefused(set.refused).join('\n')}\n${text}`);
        const engine = new Engine(set.rules.map((r) => r.expression));
        const explainers = explainersOf(set);
        const ends = new Set(incomplete);
        for (const e of events) {
          const compare = (matched: readonly number[], explained: readonly Explained[]): void => {
            const own = explained.flatMap((one, i) => (isMatch(one) ? [i] : []));
            if (own.join() !== matched.join())
              throw new Error(
                `the engine says ${matched.join()}, explanations ${own.join()} of ${JSON.stringify(e)} and\n${text}`,
              );
            for (const one of explained)
              if (heldByParts(one) !== one.held) throw new Error(`parts contradict the whole: ${JSON.stringify(one)}`);
          };
          const whole = explainers.map((one) => one.explain(e));
          const partly = explainers.map((one) => one.explain(e, { ends }));
          compare(engine.match(e), whole);
          compare(
            engine.matchIncomplete(e, ends, () => true),
            partly,
          );
          // Filters that drop take certain matches alone.
          const certain = engine.matchIncomplete(e, ends, () => false);
          if (certain.join() !== partly.flatMap(({ held }, i) => (held === true ? [i] : [])).join())
            throw new Error(`the engine is certain of ${certain.join()} of ${JSON.stringify(e)} and\n${text}`);
          pairs += rules.length;
          matches += whole.filter(isMatch).length;
          maybes += partly.filter(({ held }) => held === 'maybe').length;
        }
      },
    ),
    { numRuns: RUNS, includeErrorInReport: true },
  );
  // A generator that never, or always, matches would prove nothing.
  t.true(matches > pairs / 20 && matches < pairs * 0.95, `${matches} matches of ${pairs}`);
  t.true(maybes > pairs / 50 && maybes < pairs * 0.95, `${maybes} undecided of ${pairs}`);
});

const check = SKIPPED === '' ? test : test.skip;

for (const platform of ['linux', 'macos', 'windows'] as const) {
  check(
    `${SKIPPED}every SigmaHQ rule for ${platform} is explained as the engine judges: events made for them, and recorded ones`,
    (t) => {
      const set = loadRules(readRuleFiles(platform), {
        logsource: { category: 'process_creation', product: platform },
      });
      const engine = new Engine(set.rules.map((one) => one.expression));
      const explainers = explainersOf(set);
      const made = readExpected(platform).map((one) => one.event);
      const recorded =
        platform === 'macos'
          ? []
          : readLines(`events_${platform}.jsonl.gz`).map((line) => JSON.parse(line) as Record<string, unknown>);
      // All rules times all events would take minutes: every event meets the rules that match it and some others.
      const explained = new Set<number>();
      for (const [n, e] of [...made, ...recorded].entries()) {
        const matched = new Set(engine.match(e));
        const others = explainers.keys().filter((i) => (i + n) % 41 === 0);
        for (const i of new Set([...matched, ...others])) {
          explained.add(i);
          if (isMatch(explainers[i]!.explain(e)) !== matched.has(i))
            t.fail(`${set.rules[i]!.title}, event ${n}: ${JSON.stringify(e)}`);
        }
      }
      t.is(explained.size, set.rules.length);
    },
  );
}

const CORRELATIONS = `
title: Starts
name: a
logsource: { category: process_creation }
detection: { s: { Image: [a, ab] }, condition: s }
---
title: Asks
name: b
logsource: { category: process_creation }
detection: { s: { CommandLine|contains: b }, condition: s }
---
title: Often
id: often
correlation: { type: event_count, rules: [a, b], group-by: [User], timespan: 10s, condition: { gte: 3 }, generate: true }
---
title: Many
id: many
correlation: { type: value_count, rules: [a], group-by: [User], timespan: 10s, condition: { field: CommandLine, gte: 2 }, generate: true }
---
title: Sum
id: sum
correlation: { type: value_sum, rules: [b], group-by: [User], timespan: 5s, condition: { field: Size, gt: 4 } }
---
title: In order
id: order
correlation: { type: temporal_ordered, rules: [a, b], group-by: [User], timespan: 5s, generate: true }
---
title: Both
id: both
correlation: { type: temporal, rules: [often, many], group-by: [User], timespan: 20s, generate: true }
`;

test('explanations of correlations match when the engine reports them, whatever the events', (t) => {
  const set = loadRules([{ file: 'c.yml', text: CORRELATIONS }], { logsource: { category: 'process_creation' } });
  t.deepEqual(formatRefused(set.refused), []);
  const step = fc.record(
    {
      Image: fc.constantFrom('a', 'ab', 'c'),
      CommandLine: fc.constantFrom('a', 'b', 'c b'),
      User: fc.constantFrom('ada', 'eve', undefined),
      Size: fc.constantFrom(1, 2, '3', 'x', undefined),
      seconds: fc.constantFrom(0, 1, 4),
    },
    { noNullPrototype: true },
  );
  const reports = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const detector = new Detector(set);
      const explainers = set.correlations.map((one) => ({ id: one.id, explainer: new CorrelationExplainer(one, set) }));
      let time = 0;
      for (const { seconds, ...e } of steps) {
        time += seconds * 1000;
        const reported = new Map(detector.observe(e, time).map((one) => [one.id, one]));
        for (const { id, explainer } of explainers) {
          const explained = explainer.explain(e, time);
          if ((explained?.matched ?? false) !== reported.has(id))
            throw new Error(`${id} at ${time}: ${JSON.stringify(explained)}`);
          const met = explained?.counts.filter((one) => one.id === id && one.met).at(-1);
          const { group, measure } = reported.get(id) ?? {};
          if (JSON.stringify([met?.group, met?.measure]) !== JSON.stringify([group, measure]))
            throw new Error(`${id}: ${JSON.stringify(met)}`);
          if (reported.has(id)) reports.set(id, (reports.get(id) ?? 0) + 1);
        }
      }
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
  for (const { id } of set.correlations) t.true((reports.get(id) ?? 0) > 5, `${id}: ${reports.get(id)}`);
});
