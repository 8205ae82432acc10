import fc from 'fast-check';
import test from 'ava';
import { conditionOf } from '../../../../agent/store/read/condition.ts';
import { QueryError } from '../../../../agent/store/read/errors.ts';
import { openStore } from '../../../../agent/store/read/partitions.ts';
import { search } from '../../../../agent/store/read/search.ts';
import { wordsQuery } from '../../../../agent/store/read/words.ts';
import { execEvent, gapEvent } from '../../../support/fake-helper.ts';
import { StoreFolder } from '../support.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const at = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();

const EVENTS = [
  execEvent(1, { exe: '/usr/bin/curl', command: '/usr/bin/curl https://example.org/a', time: at(120), uid: 0 }),
  execEvent(2, {
    exe: '/usr/bin/git',
    command: "/usr/bin/git commit -m 'it''s'",
    time: at(90),
    flags: ['script', 'setuid'],
  }),
  execEvent(3, { exe: '/usr/bin/CURL', command: 'CURL --data @x', time: at(30), cwd: '/srv/it' }),
  {
    ...execEvent(4, { exe: '/bin/sh', time: at(10), parent: { pid: 7, exe: '/sbin/init' } }),
    rules: [{ title: 'Odd', level: 'high' }],
  },
  { ...gapEvent(5, 9), time: at(5) },
  { type: 'seal', time: at(4), from: 1, to: 9 },
];

function found(condition: string | undefined, words?: string, more: object = {}): number[] {
  using folder = new StoreFolder().with(...EVENTS);
  using store = openStore(folder.folder);
  const lines = search(store, {
    condition: condition === undefined ? undefined : conditionOf(condition, NOW),
    words: words === undefined ? undefined : wordsQuery(words),
    limit: 100,
    deadline: Infinity,
    ...more,
  });
  const numbers = [...lines].map((line) => {
    const { seq, first, to } = JSON.parse(line) as Record<string, number>;
    return seq ?? first ?? to!;
  });
  if (store.problems.length > 0) throw new Error(store.problems.join());
  return numbers;
}

for (const [condition, numbers] of [
  [undefined, [5, 4, 3, 2, 1]],
  ["exe like '%curl%'", [3, 1]],
  ["exe glob '*curl*'", [1]],
  ["exe like '%curl%' and time > now-1h", [3]],
  ['time > now-1h', [5, 4, 3]],
  ['time >= now-90m and time <= now-30m', [3, 2]],
  ["time < '2026-05-01T10:30:00.000Z'", [1]],
  ['time = now-30m', [3]],
  ['time > now', []],
  ['time > now - 1h and (exe = "/bin/sh" or uid = 0)', [4]],
  ['time < now-100m or time > now-15m', [5, 4, 1]],
  ['not time > now-1h', [2, 1]],
  ['uid = 0', [1]],
  ['uid != 0', [4, 3, 2]],
  ['pid in (1001, 1003)', [3, 1]],
  ['pid not in (1001, 1003) and type = "exec"', [4, 2]],
  ["command like '%it''s%'", []],
  ["command like '%''it''''s''%'", [2]],
  ['command like "%\'it%"', [2]],
  ["cwd = '/srv/it'", [3]],
  ['parent.pid = 7', [4]],
  ["parent.exe = '/sbin/init'", [4]],
  ["rules[0].level = 'high'", [4]],
  ['rules is not null', [4]],
  ['cwd is null', [5]],
  ["flags has 'setuid'", [2]],
  ["not flags has 'setuid' and type = 'exec'", [4, 3, 1]],
  ["argv[0] = '/usr/bin/env' and pid < 1003", [2, 1]],
  ["type = 'gap'", [5]],
  ['count > 3', [5]],
  ["type = 'seal'", [9]],
  ["type <> 'seal' and type <> 'exec'", [5]],
  ['no_such_field = 1', []],
  ["NOT (exe LIKE '%curl%') AND type = 'exec'", [4, 2]],
] as const)
  test(`${condition ?? 'nothing'} finds ${numbers.join(', ') || 'nothing'}`, (t) => {
    t.deepEqual(found(condition), [...numbers]);
  });

for (const [words, numbers] of [
  ['curl', [3, 1]],
  ['https example', [1]],
  ['https://example.org/a', [1]],
  ['example https', [1]],
  ['org/example', []],
  ['exam*', [1]],
  ['comm* it', [2]],
  ['"', undefined],
  ['-- @', undefined],
  ['curl -- "', [3, 1]],
  ['a OR b', []],
  ['curl NEAR(x', []],
] as const)
  test(`the words ${words} find ${numbers?.join(', ') ?? 'no word'}`, (t) => {
    if (numbers === undefined) t.throws(() => found(undefined, words), { instanceOf: QueryError, message: /no word/ });
    else t.deepEqual(found(undefined, words), [...numbers]);
  });

test('words and a condition go together; alerts alone; so many at most', (t) => {
  t.deepEqual(found('time > now-1h', 'curl'), [3]);
  t.deepEqual(found(undefined, undefined, { alertsOnly: true }), [4]);
  t.deepEqual(found(undefined, undefined, { limit: 2 }), [5, 4]);
  t.deepEqual(found(undefined, 'curl', { limit: 1 }), [3]);
});

for (const [condition, message] of [
  ['', 'at character 1, the end: expected a field'],
  ['exe', 'at character 4, the end: expected =,'],
  ['exe like', "at character 9, the end: expected a pattern in quotes, such as '%curl%'"],
  ['exe like %curl%', 'at character 10, "%curl%": expected a field, a value or an operator'],
  ["exe = 'x", `at character 7, "'x": expected a field, a value or an operator`],
  ['exe = curl', 'at character 7, "curl": expected a value: a number, or text in quotes'],
  ['time > yesterday', 'at character 8, "yesterday": expected a time'],
  ["time > 'yesterday'", `at character 8, "'yesterday'": expected a time`],
  ['time > 5', 'at character 8, "5": expected a time'],
  ['time > now-1', 'at character 12, "1": expected a duration with its unit'],
  ['time like now', 'at character 1, "time like now": a time is compared'],
  ['pid > now', 'at character 7, "now": "now" is a time'],
  ['pid = 1 pid = 2', 'at character 9, "pid = 2": expected "and", "or" or the end'],
  ['(pid = 1', 'at character 9, the end: expected ")"'],
  ['pid in 1', 'at character 8, "1": expected "("'],
  ['pid = 1; drop table records', 'at character 8, "; drop table records": expected a field'],
  ["'x' = 'x'", `at character 1, "'x' = 'x'": expected a field`],
  ['pid = (select 1)', 'at character 7, "(select 1)": expected a value'],
  [`${'('.repeat(60)}pid = 1`, 'at most 50 parentheses'],
  [`pid = 1 ${'or pid = 1 '.repeat(2000)}`, 'at most 8192 are read'],
] as const)
  test(`${condition.slice(0, 40)} is refused with its place`, (t) => {
    const { message: said } = t.throws(() => conditionOf(condition, NOW), { instanceOf: QueryError });
    t.true(said.includes(message), said);
  });

const FIELD = fc.constantFrom('exe', 'pid', 'time', 'parent.exe', 'argv[0]', "x'", 'l.line', 'records', '"exe"');
const VALUE = fc.oneof(
  fc.string().map((text) => `'${text}'`),
  fc.constantFrom('now', 'now-1h', '1', "'%'", "''", '(', ')'),
);
const WORD = fc.constantFrom(
  '=',
  'like',
  'and',
  'or',
  'not',
  'in',
  'is',
  'null',
  'has',
  '(',
  ')',
  ',',
  ';',
  '--',
  '/*',
  '?',
  '@',
);

test('no text gets past the translation: it is refused, or SQLite takes it', (t) => {
  using folder = new StoreFolder().with(...EVENTS);
  using store = openStore(folder.folder);
  let taken = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(FIELD, VALUE, WORD), { maxLength: 12 }), (parts) => {
      let condition;
      try {
        condition = conditionOf(parts.join(' '), NOW);
      } catch (error) {
        return error instanceof QueryError;
      }
      taken++;
      t.false(/[';]/.test(condition.sql.replaceAll(/'\$\.[^']*'/g, '')), condition.sql);
      return (
        [...search(store, { condition, limit: 10, deadline: Infinity })].length <= 10 && store.problems.length === 0
      );
    }),
    { numRuns: 3000, examples: [[['exe', '=', "'x'"]], [['exe', 'is', 'null', 'or', 'pid', '=', '1']]] },
  );
  t.true(taken > 1);
});
