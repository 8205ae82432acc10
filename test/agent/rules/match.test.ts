import test from 'ava';
import { Detector } from '../../../agent/rules/detect.ts';
import { createMapper } from '../../../agent/rules/fields/mapper.ts';
import { LineMatcher } from '../../../agent/rules/match.ts';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { load, ruleText } from './support.ts';

const SET = load(
  `${ruleText('s: {Image|endswith: /env}\ncondition: s', 'id: one\n')}---\n${ruleText('s: {CommandLine|contains: npm}\ncondition: s', 'id: two\n')}`,
);

test('a line that matches becomes its number and its rules, in the order of the file', (t) => {
  const matcher = new LineMatcher(new Detector(SET), { toSigma: (e) => e, timeOf: () => 0 });
  const lines = [
    '{"Image":"/bin/env","CommandLine":"env npm"}',
    '',
    '{"Image":"/bin/ls"}',
    'no JSON',
    '[1]',
    '{"CommandLine":"npm"}',
  ];
  t.deepEqual(
    lines.map((line) => matcher.match(line)),
    ['{"line":1,"rules":["one","two"]}', undefined, undefined, undefined, undefined, '{"line":6,"rules":["two"]}'],
  );
  t.deepEqual(
    { ...matcher.statistics },
    {
      lines: 6,
      events: 3,
      matched: 2,
      environments: 0,
      faulty: 2,
      unjudged: 0,
      byRule: new Map([
        ['one', 1],
        ['two', 2],
      ]),
    },
  );
});

test('events of ours are mapped, and other types are passed over', (t) => {
  const detector = new Detector(SET);
  const map = createMapper({ platform: 'linux', fields: detector.fields });
  const matcher = new LineMatcher(detector, {
    toSigma: (e) => (e['type'] === 'exec' ? map(e as never) : undefined),
    timeOf: (e) => Number(e['timestamp']) * 1000,
  });
  t.is(matcher.match(JSON.stringify(EXEC_EXAMPLE)), '{"line":1,"rules":["one","two"]}');
  t.is(matcher.match('{"type":"heartbeat"}'), undefined);
  t.is(matcher.statistics.events, 1);
});

test('a line that is nested too deeply is faulty, wherever a rule looks, and the next is judged', (t) => {
  const set = load(
    `${ruleText('s: {Image|endswith: /env}\ncondition: s', 'id: one\n')}---\ntitle: C\nid: two\ncorrelation: {type: value_count, rules: [one], group-by: [a], timespan: 1m, condition: {gte: 1, field: a}}\n`,
  );
  const matcher = new LineMatcher(new Detector(set), { toSigma: (e) => e, timeOf: () => 0 });
  const nested = (open: string, close: string, depth: number) =>
    matcher.match(`{"Image":"/env","a":${open.repeat(depth)}1${close.repeat(depth)}}`);
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    t.is(nested(open, close, 200_000), undefined);
    t.regex(nested(open, close, 100) ?? '', /"rules":\["two"\]/);
  }
  t.is(matcher.statistics.faulty, 2);
});
