import { execFileSync } from 'node:child_process';
import test from 'ava';
import { Detector } from '../../../../agent/rules/detect.ts';
import { load, refusals, warnings } from '../support.ts';

const BASE = ['a', 'b', 'c']
  .map(
    (name) =>
      `title: ${name.toUpperCase()}\nname: ${name}\nid: id-${name}\nlogsource: {category: process_creation}\ndetection: {s: {Image: ${name}}, condition: s}\n---\n`,
  )
  .join('');
const correlation = (body: string, head = 'title: Corr\nid: corr\n') =>
  `${head}correlation:\n${body
    .trim()
    .split('\n')
    .map((l) => `    ${l.trimEnd()}`)
    .join('\n')}\n---\n`;

type Step = readonly [seconds: number, image: string, fields?: Readonly<Record<string, unknown>>];

/** The seconds at which the correlation reported. */
function fires(text: string, steps: readonly Step[], id = 'corr', limits = {}): number[] {
  const detector = new Detector(load(text), limits === undefined ? {} : { correlations: limits });
  return steps
    .filter(([s, Image, fields]) => detector.observe({ Image, ...fields }, s * 1000).some((r) => r.id === id))
    .map(([s]) => s);
}

test('event_count fires when a group has its events within the timespan, and begins anew', (t) => {
  const rule =
    BASE + correlation('type: event_count\nrules: [a]\ngroup-by: [User]\ntimespan: 10s\ncondition: {gte: 3}');
  const u = { User: 'ada' };
  t.deepEqual(
    fires(rule, [
      [0, 'a', u],
      [1, 'a', u],
      [2, 'a', u],
      [3, 'a', u],
      [4, 'a', u],
      [5, 'a', u],
    ]),
    [2, 5],
  );
  t.deepEqual(
    fires(rule, [
      [0, 'a', u],
      [1, 'a', u],
      [12, 'a', u],
    ]),
    [],
    'the window slides',
  );
  t.deepEqual(
    fires(rule, [
      [0, 'a', u],
      [5, 'a', u],
      [10, 'a', u],
    ]),
    [10],
    'its ends belong to it',
  );
  t.deepEqual(
    fires(rule, [
      [0, 'a', u],
      [1, 'a', { User: 'bob' }],
      [2, 'a', u],
    ]),
    [],
    'groups are apart',
  );
  t.deepEqual(
    fires(rule, [
      [0, 'a'],
      [1, 'a'],
      [2, 'a'],
    ]),
    [],
    'an event without the field belongs to no group',
  );
});

test('bounds are all of gt, gte, lt, lte, eq and neq, and several are a range', (t) => {
  const steps = Array.from({ length: 5 }, (_, i): Step => [i, 'a']);
  const at = (condition: string) =>
    fires(BASE + correlation(`type: event_count\nrules: [a]\ntimespan: 1m\ncondition: ${condition}`), steps);
  t.deepEqual(at('{gt: 2}'), [2]);
  t.deepEqual(at('{eq: 2}'), [1, 3]);
  t.deepEqual(at('{gt: 1, lte: 3}'), [1, 3]);
  t.deepEqual(at('{neq: 1}'), [1, 3]);
  t.deepEqual(at('{lt: 1}'), []);
});

test('value_count counts distinct values, of one field or several together', (t) => {
  const rule = (field: string) =>
    BASE +
    correlation(
      `type: value_count\nrules: [a, b]\ngroup-by: [Host]\ntimespan: 1m\ncondition: {field: ${field}, gte: 3}`,
    );
  const e = (s: number, User: string, Port = 1, image = 'a'): Step => [s, image, { Host: 'h', User, Port }];
  t.deepEqual(fires(rule('User'), [e(0, 'x'), e(1, 'x'), e(2, 'y'), e(3, 'z', 1, 'b')]), [3]);
  t.deepEqual(fires(rule('User'), [e(0, 'x'), e(30, 'y'), e(70, 'z')]), [], 'a value is forgotten after the timespan');
  t.deepEqual(
    fires(rule('User'), [e(0, 'x'), e(30, 'y'), e(50, 'x'), e(70, 'z')]),
    [70],
    'and renewed by its next event',
  );
  t.deepEqual(fires(rule('[User, Port]'), [e(0, 'x', 1), e(1, 'x', 2), e(2, 'y', 1)]), [2]);
});

test('temporal wants all rules in any order, temporal_ordered in theirs', (t) => {
  const rule = (type: string, extra = '') =>
    BASE + correlation(`type: ${type}\nrules: [a, b, c]\ngroup-by: [User]\ntimespan: 10s${extra}`);
  const u = { User: 'ada' };
  const run = (type: string, order: string, extra = '') =>
    fires(
      rule(type, extra),
      [...order].map((image, i): Step => [i, image, u]),
    );
  t.deepEqual(run('temporal', 'cab'), [2]);
  t.deepEqual(run('temporal', 'aab'), []);
  t.deepEqual(run('temporal_ordered', 'cab'), []);
  t.deepEqual(run('temporal_ordered', 'abc'), [2]);
  t.deepEqual(run('temporal_ordered', 'bacbc'), [4], 'others may lie between');
  t.deepEqual(run('temporal', 'ab', '\ncondition: {gte: 2}'), [1]);
  t.deepEqual(run('temporal_ordered', 'ba', '\ncondition: {gte: 2}'), []);
  t.deepEqual(run('temporal_ordered', 'ac', '\ncondition: {gte: 2}'), [1]);
  t.deepEqual(
    fires(rule('temporal_ordered'), [
      [0, 'a', u],
      [5, 'b', u],
      [11, 'c', u],
    ]),
    [],
    'all within the timespan',
  );
  t.deepEqual(
    fires(rule('temporal_ordered'), [
      [0, 'a', u],
      [5, 'b', u],
      [6, 'a', u],
      [7, 'b', u],
      [12, 'c', u],
    ]),
    [12],
    'the latest start counts',
  );
});

test('one event that matches two rules is no order of events', (t) => {
  const twin = BASE.replace('title: A', 'title: Twin')
    .replace('name: a', 'name: twin')
    .replace('id: id-a', 'id: id-twin')
    .split('---')[0];
  const rule = (type: string) => `${BASE}${twin}---\n${correlation(`type: ${type}\nrules: [a, twin]\ntimespan: 10s`)}`;
  t.deepEqual(fires(rule('temporal'), [[0, 'a']]), [0]);
  t.deepEqual(
    fires(rule('temporal_ordered'), [
      [0, 'a'],
      [1, 'a'],
    ]),
    [1],
  );
});

test('sums, averages, medians and percentiles are of a number field', (t) => {
  const rule = (type: string, condition: string) =>
    BASE + correlation(`type: ${type}\nrules: [a]\ntimespan: 1m\ncondition: {field: n, ${condition}}`);
  const steps = [1, 2, 30, 'x', 4].map((n, i): Step => [i, 'a', { n }]);
  t.deepEqual(fires(rule('value_sum', 'gt: 30'), steps), [2]);
  t.deepEqual(fires(rule('value_avg', 'gte: 11'), steps), [2]);
  t.deepEqual(fires(rule('value_median', 'gte: 2'), steps), [2, 4], 'the nearest rank');
  t.deepEqual(fires(rule('value_percentile', 'percentile: 100, gte: 30'), steps), [2]);
});

test('aliases name the same thing in events of different rules', (t) => {
  const rule =
    BASE +
    correlation(
      'type: temporal\nrules: [a, b]\ngroup-by: [ip]\ntimespan: 1m\naliases:\n    ip:\n        a: SourceIp\n        b: DestinationIp',
    );
  t.deepEqual(
    fires(rule, [
      [0, 'a', { SourceIp: '::1' }],
      [1, 'b', { SourceIp: '::1' }],
      [2, 'b', { DestinationIp: '::1' }],
    ]),
    [2],
  );
});

test('an alias for a rule that the correlation does not have, and a rule that it has twice, are refused', (t) => {
  const temporal = (rules: string, alias: string) =>
    refusals(
      BASE +
        correlation(
          `type: temporal\nrules: ${rules}\ngroup-by: [ip]\ntimespan: 1m\naliases:\n    ip:\n        ${alias}: SourceIp`,
        ),
    );
  t.deepEqual(temporal('[id-a, b]', 'a'), [], 'a name for an id');
  t.regex(
    temporal('[id-a, b]', 'ida')[0]!,
    /correlation\.aliases\.ip: "ida" is none of the rules of this correlation, did you mean "id-a"\?/,
  );
  t.regex(temporal('[id-a, a]', 'a')[0]!, /correlation\.rules: "a" is listed twice/);
  t.regex(temporal('[id-a, bb]', 'a')[0]!, /there is no loaded rule "bb", did you mean "B"\?/);
});

test('what a correlation groups by or counts is a field that events have', (t) => {
  const rule = (fields: string) =>
    warnings(BASE + correlation(`type: value_count\nrules: [a]\n${fields}\ntimespan: 1m`));
  t.deepEqual(rule('group-by: [who]\ncondition: {gte: 2, field: Image}\naliases: {who: {a: User}}'), []);
  t.regex(
    rule('group-by: [user]\ncondition: {gte: 2, field: Image}')[0]!,
    /correlation: no event has a field "user", did you mean "User"\?/,
  );
});

test('correlations chain, whatever their order in the file', (t) => {
  const many = correlation(
    'type: event_count\nrules: [a]\ngroup-by: [User]\ntimespan: 1m\ncondition: {gte: 2}',
    'title: Many\nname: many\n',
  );
  const outer = correlation('type: temporal_ordered\nrules: [many, b]\ngroup-by: [User]\ntimespan: 1m');
  const u = { User: 'ada' };
  t.deepEqual(
    fires(outer + BASE + many, [
      [0, 'a', u],
      [1, 'b', u],
      [2, 'a', u],
      [3, 'b', u],
    ]),
    [3],
  );
});

test('rules under a correlation report on their own only when it says generate', (t) => {
  const rule = (generate: string) =>
    BASE + correlation(`type: event_count\nrules: [id-a]\ntimespan: 1m\ncondition: {gte: 2}${generate}`);
  t.deepEqual(fires(rule(''), [[0, 'a']], 'id-a'), []);
  t.deepEqual(fires(rule('\ngenerate: true'), [[0, 'a']], 'id-a'), [0]);
  t.deepEqual(fires(rule(''), [[0, 'b']], 'id-b'), [0]);
});

test('memory is bounded by groups and entries, and what is forgotten early is counted', (t) => {
  const text =
    BASE + correlation('type: event_count\nrules: [a]\ngroup-by: [User]\ntimespan: 1d\ncondition: {gte: 1000}');
  const detector = new Detector(load(text), { correlations: { maxGroups: 50, maxEntries: 200 } });
  for (let i = 0; i < 10_000; i++) detector.observe({ Image: 'a', User: String(i % 500) }, i);
  const { groups, evicted } = detector.statistics();
  t.true(groups <= 50);
  t.true(evicted >= 10_000 - 50);
  for (let i = 0; i < 10_000; i++) detector.observe({ Image: 'a', User: String(i % 3) }, 20_000 + i);
  t.true(detector.statistics().entries <= 1001 + 200);
  const never = new Detector(
    load(BASE + correlation('type: event_count\nrules: [a]\ntimespan: 1d\ncondition: {lt: 1}')),
  );
  for (let i = 0; i < 1000; i++) never.observe({ Image: 'a' }, i);
  t.is(never.statistics().entries, 2, 'counts beyond every bound are not kept');
});

/** In a process of its own: prints how many bytes the correlations hold after events with long values, and the matches. */
const HELD = `
import { Detector } from './agent/rules/detect.ts';
import { loadRules } from './agent/rules/load.ts';
const text = process.env.RULES;
const set = loadRules([{ file: 'r.yml', text }], { logsource: { category: 'process_creation', product: 'linux' } });
const detector = new Detector(set);
const bytes = () => { gc(); gc(); return process.memoryUsage().heapUsed; };
let matches = 0;
const feed = (from, to) => {
  for (let i = from; i < to; i++) {
    // A part of a longer text, as values from /proc and from recorded processes are.
    const whole = JSON.parse(JSON.stringify('x'.repeat(262144) + i + ' and more'));
    const found = detector.observe({ Image: 'a', CommandLine: whole.slice(0, -9), User: whole.slice(-40, -9) }, i);
    matches += found.length;
  }
};
feed(0, 10);
const before = bytes();
feed(10, 299);
const grown = bytes() - before;
const next = Number(process.env.NEXT);
feed(next, next + 1);
console.log(grown, matches);
`;

for (const [what, next, body] of [
  ['groups', 298, 'type: event_count\nrules: [a]\ngroup-by: [CommandLine]\ntimespan: 1h\ncondition: {gte: 2}'],
  [
    'groups by a part of a long value',
    298,
    'type: event_count\nrules: [a]\ngroup-by: [User]\ntimespan: 1h\ncondition: {gte: 2}',
  ],
  ['counted values', 299, 'type: value_count\nrules: [a]\ntimespan: 1h\ncondition: {field: CommandLine, gte: 300}'],
] as const) {
  test(`memory of ${what} does not depend on the length of values`, (t) => {
    const output = execFileSync(
      process.execPath,
      ['--expose-gc', '--import=tsx', '--input-type=module', '--eval', HELD],
      { encoding: 'utf8', env: { ...process.env, RULES: BASE + correlation(body), NEXT: String(next) } },
    );
    const [grown, matches] = output.split(' ').map(Number);
    t.is(matches, 1, 'the values are told apart, and known again');
    t.true(grown! < 4 * 2 ** 20, `${grown} bytes for 289 values of 256 KiB`);
  });
}

test('time that steps back within the window counts as standing still; from before it, the correlation begins anew', (t) => {
  const rule = BASE + correlation('type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {gte: 2}');
  t.deepEqual(
    fires(rule, [
      [100, 'a'],
      [90, 'a'],
    ]),
    [90],
  );
  const day = 86_400;
  t.deepEqual(
    fires(rule, [
      [day, 'a'],
      [1, 'a'],
      [20, 'a'],
      [29, 'a'],
      [day, 'a'],
      [30, 'a'],
      [31, 'a'],
    ]),
    [29, 31],
  );
});

test('a faulty correlation is refused with what is wrong', (t) => {
  const refused = (body: string) => refusals(BASE + correlation(body)).join('\n');
  const good = 'type: event_count\nrules: [a]\ntimespan: 1m\ncondition: {gte: 2}';
  t.is(refused(good), '');
  t.regex(refused(good.replace('[a]', '[nobody]')), /there is no loaded rule "nobody"/);
  t.regex(refused(good.replace('[a]', '[corr]')), /"corr" refers back to this correlation/);
  t.regex(refused(good.replace('1m', '1 minute')), /expected a number and s, m, h or d/);
  t.regex(refused(good.replace('event_count', 'event_cuont')), /did you mean "event_count"\?/);
  t.regex(refused(good.replace('gte: 2', 'gte: 1000000')), /gte is a whole number from 0 to 100000/);
  t.regex(refused(good.replace('{gte: 2}', '{}')), /expected one of gt, gte/);
  t.regex(refused(good.replace('event_count', 'value_count')), /value_count needs a field/);
  t.regex(
    refused(good.replace('condition: {gte: 2}', 'groupby: [User]')),
    /unknown key "groupby", did you mean "group-by"\?/,
  );
  t.regex(
    refused(good.replace('event_count', 'value_percentile').replace('gte: 2', 'gte: 2, field: n')),
    /needs a percentile/,
  );
});
