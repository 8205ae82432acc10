import test from 'ava';
import fc from 'fast-check';
import { Engine } from '../../../agent/rules/engine.ts';
import { formatRefused, loadRules } from '../../../agent/rules/load.ts';
import { naiveMatch } from './naive.ts';
import { document, event, madeFor, picks, rule } from './random.ts';

/** RULES_PROPERTY_RUNS=100000 is the full proof; it takes minutes. */
const RUNS = Number(process.env['RULES_PROPERTY_RUNS'] ?? 1500);

test(`${RUNS} random rule sets answer random events exactly as the naive interpreter of the specification`, (t) => {
  let matches = 0;
  let pairs = 0;
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      fc.array(event, { minLength: 1, maxLength: 4 }),
      fc.array(picks, { minLength: 1, maxLength: 4 }),
      (rules, random, chosen) => {
        const events = [...random, ...chosen.map((each) => madeFor(rules, each))];
        const text = rules.map(document).join('\n---\n');
        const set = loadRules([{ file: 'random.yml', text }], { logsource: { category: 'process_creation' } });
        if (set.refused.length > 0) throw new Error(`${formatRefused(set.refused).join('\n')}\n${text}`);
        const engine = new Engine(set.rules.map((r) => r.expression));
        // With one epoch only, stamps of the last event would all look like this one's if they were not forgotten.
        const forgetful = new Engine(
          set.rules.map((r) => r.expression),
          { lastEpoch: 1 },
        );
        for (const e of events) {
          const expected = rules.flatMap((r, i) => (naiveMatch(r, e) ? [i] : []));
          const actual = [...engine.match(e)];
          if (forgetful.match(e).join() !== actual.join())
            throw new Error(`another answer after forgetting, for ${JSON.stringify(e)} and\n${text}`);
          pairs += rules.length;
          matches += expected.length;
          if (expected.join() !== actual.join())
            throw new Error(`expected ${expected.join()}, got ${actual.join()} for ${JSON.stringify(e)} and\n${text}`);
        }
      },
    ),
    { numRuns: RUNS, includeErrorInReport: true },
  );
  // A generator that never, or always, matches would prove nothing.
  t.true(matches > pairs / 20 && matches < pairs * 0.95, `${matches} matches of ${pairs}`);
});
