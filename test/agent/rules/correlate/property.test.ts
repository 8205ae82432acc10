import test from 'ava';
import fc from 'fast-check';
import { Detector } from '../../../../agent/rules/detect.ts';
import { load, refusals } from '../support.ts';
import { NaiveCorrelator, type NaiveCorrelation } from './naive.ts';

const RULES = ['r0', 'r1', 'r2', 'r3'];
const TYPES = ['event_count', 'value_count', 'temporal', 'temporal_ordered', 'value_sum', 'value_avg'] as const;
const CONDITIONS = [{ gte: 2 }, { gt: 2 }, { gte: 4 }, { eq: 3 }, { gt: 1, lte: 3 }, { lt: 2 }, { neq: 1 }];

/** The second can be about the first. */
const correlation = (id: string, inputs: readonly string[]): fc.Arbitrary<NaiveCorrelation> =>
  fc.record({
    id: fc.constant(id),
    type: fc.constantFrom(...TYPES),
    rules: fc.shuffledSubarray([...inputs], { minLength: 1 }),
    groupBy: fc.constantFrom([], ['a'], ['a', 'b'], ['alias']),
    spanMs: fc.integer({ min: 1, max: 10 }).map((n) => n * 1000),
    condition: fc.constantFrom(...CONDITIONS),
    field: fc.constant('v'),
    aliases: fc.record({
      alias: fc.constantFrom<Record<string, string>>({ r0: 'a', r1: 'b' }, { r2: 'b', r3: 'a' }).map(onlyThese(inputs)),
    }),
  });

const onlyThese = (inputs: readonly string[]) => (fields: Record<string, string>) =>
  Object.fromEntries(inputs.map((rule) => [rule, fields[rule] ?? 'a']));

const event = fc.record({
  later: fc.constantFrom(0, 1, 500, 1000, 1001, 4000, 11_000, -1, -2000),
  matches: fc.subarray(RULES),
  fields: fc.record(
    { a: fc.constantFrom('x', 'y', 1), b: fc.constantFrom('x', 'y', null), v: fc.constantFrom(1, 2, '3', 7, 'no') },
    { requiredKeys: [] },
  ),
});

const document = ({ id, type, rules, groupBy, spanMs, condition, field, aliases }: NaiveCorrelation): unknown => ({
  title: id,
  id,
  correlation: {
    type,
    rules,
    'group-by': groupBy,
    'timespan': `${spanMs / 1000}s`,
    'condition': { ...condition, ...(type.startsWith('value_') ? { field } : {}) },
    'aliases': Object.fromEntries(
      Object.entries(aliases).map(([name, fields]) => [name, Object.fromEntries(rules.map((r) => [r, fields[r]]))]),
    ),
    'generate': true,
  },
});

const rule = (id: string): unknown => ({
  title: id,
  id,
  logsource: { category: 'process_creation' },
  detection: { is: { [id]: true }, condition: 'is' },
});

test('random correlations count random events, of which many match several rules, as a plain interpreter does', (t) => {
  let reports = 0;
  fc.assert(
    fc.property(
      fc.tuple(correlation('c0', RULES), correlation('c1', [...RULES, 'c0'])),
      fc.array(event, { minLength: 10, maxLength: 40 }),
      (correlations, events) => {
        const text = [...RULES.map(rule), ...correlations.map(document)].map((d) => JSON.stringify(d)).join('\n---\n');
        if (refusals(text).length > 0) throw new Error(refusals(text).join('\n'));
        const detector = new Detector(load(text));
        const naive = new NaiveCorrelator(correlations);
        let time = 1e12;
        for (const { later, matches, fields } of events) {
          time += later;
          const all = { ...fields, ...Object.fromEntries(matches.map((id) => [id, true])) };
          const expected = naive.observe(matches, all, time).map(({ id, group, measure }) => [id, ...group, measure]);
          const actual = detector
            .observe(all, time)
            .filter(({ group }) => group !== undefined)
            .map(({ id, group, measure }) => [id, ...Object.values(group!), measure]);
          reports += actual.length;
          if (sorted(actual) !== sorted(expected))
            throw new Error(
              `expected ${sorted(expected)}, got ${sorted(actual)} for ${JSON.stringify(all)} and\n${text}`,
            );
        }
      },
    ),
    { numRuns: 300, includeErrorInReport: true },
  );
  t.true(reports > 300, String(reports));
});

/** Two groups of one event have no order. */
const sorted = (reports: readonly (readonly unknown[])[]): string =>
  reports
    .map((one) => JSON.stringify(one))
    .sort()
    .join();
