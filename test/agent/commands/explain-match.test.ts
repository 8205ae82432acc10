import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Explained } from '../../../agent/rules/explain/explained.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { testWith } from '../../support/requirements.ts';
import { ruleText } from '../rules/support.ts';
import { RulesBench } from '../support/rules-bench.ts';
import { agent } from '../support/run.ts';

const MAIN = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));
const NOTHING = { HOME: '/', PATH: process.env['PATH'] };

interface Line {
  readonly line: number;
  readonly rule: { id: string };
  readonly matched: boolean;
  readonly explanation?: Explained;
  readonly correlation?: { counts: { measure?: number }[] };
}

const parsed = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

const ENV = ruleText('s: {Image|endswith: [/env, /nve]}\ncondition: s', 'id: env\n').replace('Test', 'Env Started');

test('--explain prints a line of JSON for each event: what held and what did not', async (t) => {
  using bench = new RulesBench({ 'a.yml': ENV, 'b.yml': ruleText('s: {Image: x}\ncondition: s', 'id: other\n') });
  const file = bench.events(
    execEvent(1, { exe: '/bin/env' }),
    { type: 'heartbeat' },
    execEvent(3, { exe: '/bin/\u202els' }),
    7,
  );
  const { code, stdout, stderr } = await agent('match', '--rules', bench.rules, '--explain', 'env', file);
  t.is(code, 0);
  const lines = parsed(stdout);
  t.deepEqual(
    lines.map(({ line, rule, matched }) => [line, rule.id, matched]),
    [
      [1, 'env', true],
      [3, 'env', false],
    ],
  );
  t.deepEqual(lines[1]!.explanation, {
    part: 'condition',
    text: 's',
    held: false,
    parts: [
      {
        part: 'search',
        text: 's',
        held: false,
        parts: [
          {
            part: 'item',
            text: 'Image|endswith',
            held: false,
            event: { field: 'Image', value: '/bin/\u202els' },
            link: 'any',
            parts: [
              { part: 'value', value: '/env', held: false },
              { part: 'value', value: '/nve', held: false },
            ],
          },
        ],
      },
    ],
  });
  t.false(stdout.includes('\u202e'), 'a terminal may read it');
  t.like(JSON.parse(stderr), { lines: 4, events: 2, explained: 2, matched: 1, faulty: 1, unjudged: 0, stopped: false });
});

test('events that are known in part say so', async (t) => {
  using bench = new RulesBench({
    'a.yml': ruleText('s: {Image|startswith: /tmp/, CommandLine|contains: y}\ncondition: s', 'id: r\n'),
  });
  const file = bench.events(
    execEvent(1, { exe: 'd/prog', argv: ['x', 'y'], flags: ['exe_truncated'], argv_truncated: true }),
  );
  const [line] = parsed((await agent('match', '--rules', bench.rules, '--explain', 'r', file)).stdout);
  const items = line!.explanation!.parts![0]!.parts!;
  t.deepEqual(
    items.map(({ held, event }) => [held, event!.known]),
    [
      ['maybe', 'end'],
      [true, 'start'],
    ],
  );
  t.true(line!.matched, 'a rule that may match alerts');
});

test('a rule is named by its id, title or file; starter rules by --builtin; a file alone needs no folder', async (t) => {
  using bench = new RulesBench({ 'env.yml': ENV });
  const file = bench.events(execEvent(1, { exe: '/bin/env' }));
  for (const name of ['env', 'ENV started', 'env.yml', `${bench.rules}/env.yml`])
    t.is(parsed((await agent('match', '-r', bench.rules, '--explain', name, file)).stdout)[0]?.rule.id, 'env', name);
  t.is(parsed((await agent('match', '--explain', `${bench.rules}/env.yml`, file)).stdout)[0]?.rule.id, 'env');
  const starter = await agent('match', '--builtin', '--explain', 'Cryptocurrency Miner On The Command Line', file);
  t.is(parsed(starter.stdout).length, 1);
  t.is((await agent('match', '--builtin', file)).code, 0);
});

test('a rule that is not there, has a mistake or is for another system: why, what to do, and status 6', async (t) => {
  using bench = new RulesBench({
    'env.yml': ENV,
    'twin.yml': ENV.replace('id: env', 'id: twin').replace('Env Started', 'Another Env Started'),
    'win.yml': ENV.replace('id: env', 'id: win').replace('process_creation', 'process_creation\n    product: windows'),
    'odd.yml': ENV.replace('id: env', 'id: odd').replace('endswith', 'endwith').replace('Env Started', 'Odd'),
  });
  const file = bench.events(execEvent(1));
  const refusal = async (name: string, ...more: string[]) => {
    const { code, stdout, stderr } = await agent('match', '-r', bench.rules, '--explain', name, file, ...more);
    t.is(code, 6, name);
    t.is(stdout, '', name);
    return stderr;
  };
  t.regex(
    await refusal('evn'),
    /^probes-agent match: none of 2 rules has the id, title or file "evn"; did you mean "env"\?\n$/,
  );
  t.regex(await refusal('started'), /; did you mean "Env Started", "Another Env Started"\?\n$/);
  t.regex(await refusal('\u001b[2Jqqqqqqqq'), /file "\\x1b\[2Jqqqqqqqq"\n$/);
  t.is(await refusal('win'), 'probes-agent match: "win" is skipped: for windows; add --platform windows\n');
  t.regex(
    await refusal('odd.yml'),
    /"odd\.yml" has a mistake:\n.*odd\.yml:\d+:\d+: .*unknown modifier "endwith", did you mean "endswith"\?\n$/,
  );
  t.regex(await refusal('/no/such.yml'), /\/no\/such\.yml: there is no such file\n$/);
  const { stdout } = await agent('match', '-r', bench.rules, '--explain', 'win', '--platform', 'windows', file);
  t.is(parsed(stdout).length, 1);
});

test('wrong options are status 2 and say what is meant', async (t) => {
  using bench = new RulesBench({ 'a.yml': ENV });
  const file = bench.events(execEvent(1));
  for (const [args, message] of [
    [[file], /name a folder of rules \(--rules <folder>\), or take the starter rules \(--builtin\)/],
    [['-r', bench.rules, '--first', '3', file], /--first is about --explain <rule>/],
    [['-r', bench.rules, '--explain', 'env', '--first', '0', file], /expected a whole number from 1 to 1000000/],
    [['-r', bench.rules, '--explain', 'env', '--first', 'x', file], /expected a whole number from 1 to 1000000/],
  ] as const) {
    const { code, stderr } = await agent('match', ...args);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, message);
  }
});

test('the first 20 events are explained, or as many as are asked for', async (t) => {
  using bench = new RulesBench({ 'a.yml': ENV });
  const file = bench.events(...Array.from({ length: 50_000 }, (_, i) => execEvent(i + 1)));
  const explained = async (...more: string[]) => {
    const { stdout, stderr } = await agent('match', '-r', bench.rules, '--explain', 'env', ...more, file);
    const statistics = JSON.parse(stderr) as { lines: number; explained: number; stopped: boolean };
    t.is(parsed(stdout).length, statistics.explained);
    return statistics;
  };
  t.like(await explained(), { lines: 20, explained: 20, stopped: true });
  t.like(await explained('--first', '3'), { lines: 3, explained: 3, stopped: true });
});

test('once enough is explained, nothing more is waited for', async (t) => {
  using bench = new RulesBench({ 'a.yml': ENV });
  const child = spawn(process.execPath, [MAIN, 'match', '-r', bench.rules, '--explain', 'env', '--first', '1'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  // Standard input stays open.
  child.stdin.write(`${JSON.stringify(execEvent(1))}\n`);
  t.deepEqual(await ended, [0, null]);
});

test('of a correlation, events that feed it are explained: the rules that matched, and the count', async (t) => {
  using bench = new RulesBench({
    'a.yml': `${ENV.replace('id: env\n', 'name: env\n')}---\ntitle: Often\nid: often\ncorrelation: { type: event_count, rules: [env], group-by: [ParentProcessId], timespan: 1m, condition: { gte: 2 } }\n`,
  });
  const env = { exe: '/bin/env', ppid: 7 };
  const file = bench.events(
    execEvent(1, env),
    execEvent(2, { exe: '/bin/ls' }),
    execEvent(3, env),
    execEvent(4, { ...env, ppid: 8 }),
  );
  const { stdout } = await agent('match', '-r', bench.rules, '--explain', 'a.yml', file);
  t.deepEqual(
    parsed(stdout).map(({ line, rule, matched, correlation }) => [
      line,
      rule.id,
      matched,
      correlation!.counts[0]!.measure,
    ]),
    [
      [1, 'often', false, 1],
      [3, 'often', true, 2],
      [4, 'often', false, 1],
    ],
  );
});

testWith('script')(
  'in a terminal it is a tree, in colour unless NO_COLOR says otherwise; hostile text is not obeyed',
  (t) => {
    using bench = new RulesBench({ 'a.yml': ENV });
    const event = execEvent(1, { exe: '/bin/\u001b]0;x', command: '\u001b[2J', argv: [] });
    const inTerminal = (env: NodeJS.ProcessEnv): string => {
      const command = `stty cols 80; exec ${process.execPath} ${MAIN} match -r ${bench.rules} --explain env ${bench.events(event)}`;
      const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        env: { ...NOTHING, LANG: 'C.UTF-8', TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
        encoding: 'utf8',
      });
      return stdout.replaceAll('\r\n', '\n');
    };
    t.is(
      inTerminal({ NO_COLOR: '1' }),
      `✗ line 1 does not match: Env Started
  \\x1b[2J
✗ s
└─ ✗ Image|endswith ← /bin/\\x1b]0;x
   ├─ ✗ /env
   └─ ✗ /nve

1 event explained, 0 matched, 0 faulty, 0 unjudged
`,
    );
    const coloured = inTerminal({});
    t.true(coloured.includes('\u001b[31m✗\u001b[39m s\n'), coloured);
    t.false(coloured.includes('\u001b[2J'));
    t.regex(
      inTerminal({ NO_COLOR: '1', LANG: 'C' }),
      /^[\n\x20-\x7e]*\n- s\n\\- - Image\|endswith <- [^]*$/u,
      'a terminal that shows no UTF-8',
    );
  },
);
