import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Platform } from '../../../agent/values/platform.ts';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { EXIT_EXAMPLE } from '../../../shared/events/exit.ts';
import { FORK_EXAMPLE } from '../../../shared/events/fork.ts';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { testWith } from '../../support/requirements.ts';
import { readExpected, readRuleFiles, SKIPPED } from '../rules/data.ts';
import { ruleText } from '../rules/support.ts';
import { RulesBench } from '../support/rules-bench.ts';
import { agent } from '../support/run.ts';

const MAIN = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));

const statisticsIn = (stderr: string): Record<string, unknown> =>
  JSON.parse(stderr.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
const ENV = ruleText('s: {Image|endswith: /env}\ncondition: s', 'id: env\n');

test('events of ours: a line for each that matches, in the order of the file, and statistics on standard error', async (t) => {
  using bench = new RulesBench({
    'a.yml': ENV,
    'b.yml': ruleText('s: {ParentCommandLine|contains: install}\ncondition: s', 'id: child\n'),
    'c.yml': 'title: broken\n',
    'd.txt': 'no rule',
  });
  const child = {
    pid: 5,
    start_time: 9,
    exe: '/bin/sh',
    argv: ['sh'],
    parent: { pid: EXEC_EXAMPLE.pid, start_time: EXEC_EXAMPLE.start_time! },
  };
  const file = bench.events(
    EXEC_EXAMPLE,
    gapEvent(2, 3),
    { ...EXEC_EXAMPLE, type: 'exec_failed', error: 'ENOENT' },
    'no JSON',
    { type: 'exec', exe: '/bin/env' },
    execEvent(4, { exe: '/bin/ls', pid: 3 }),
    execEvent(5, child),
  );
  const { code, stdout, stderr } = await agent('match', '--rules', bench.rules, file);
  t.is(code, 0);
  t.is(stdout, '{"line":1,"rules":["env"]}\n{"line":7,"rules":["child"]}\n');
  t.true(stderr.includes(`${bench.rules}/c.yml:1:1: the logsource is missing\n`), stderr);
  t.like(statisticsIn(stderr), {
    rules: 2,
    refused: 1,
    lines: 7,
    events: 3,
    matched: 2,
    faulty: 2,
    matches: { env: 1, child: 1 },
  });
});

test('forks and ends link processes: a parent that executed nothing itself has the command line of the one that it copies', async (t) => {
  using bench = new RulesBench({
    'a.yml': ruleText('s: {ParentCommandLine|contains: install}\ncondition: s', 'id: child\n'),
  });
  const [copy, other] = [
    { pid: 70, start_time: 7 },
    { pid: 80, start_time: 8 },
  ];
  const file = bench.events(
    EXEC_EXAMPLE,
    {
      ...FORK_EXAMPLE,
      ...copy,
      exe: EXEC_EXAMPLE.exe,
      parent: { pid: EXEC_EXAMPLE.pid, start_time: EXEC_EXAMPLE.start_time! },
    },
    { ...EXIT_EXAMPLE, pid: EXEC_EXAMPLE.pid, start_time: EXEC_EXAMPLE.start_time },
    { type: 'fork', pid: 'no number' },
    execEvent(5, { pid: 5, start_time: 9, exe: '/bin/sh', argv: ['sh'], parent: copy }),
    execEvent(6, { pid: 6, start_time: 9, exe: '/bin/sh', argv: ['sh'], parent: other }),
  );
  const { stdout, stderr } = await agent('match', '--rules', bench.rules, file);
  t.is(stdout, '{"line":5,"rules":["child"]}\n');
  t.like(statisticsIn(stderr), { lines: 6, events: 3, matched: 1, faulty: 0 });
});

test("events in Sigma's names that are read as ours are pointed out, and no others", async (t) => {
  using bench = new RulesBench({ 'a.yml': ENV });
  const hint = /^probes-agent match: no line is an event of type exec; .* add --fields sigma$/m;
  t.regex((await agent('match', '--rules', bench.rules, bench.events({ Image: '/bin/env' }))).stderr, hint);
  for (const events of [[], ['no JSON'], [EXEC_EXAMPLE, gapEvent(2, 3)]])
    t.notRegex((await agent('match', '--rules', bench.rules, bench.events(...events))).stderr, hint);
});

test('a file that cannot be used is counted as refused, and what it holds does not reach the terminal as a command', async (t) => {
  using bench = new RulesBench({
    'a.yml': ENV,
    'b.yml': 'title: "\\e[2Jgone"\n',
    'c.yml':
      'title: x\nlogsource: { category: process_creation }\ndetection: { s: { "Image|\\e[2J": a }, condition: s }\n',
  });
  writeFileSync(`${bench.rules}/d.yml`, Buffer.from('title: x', 'utf16le').subarray(0, 15).fill(0xff, 0, 1));
  writeFileSync(`${bench.rules}/\u001b[2J.yml`, 'title: x\n');
  const { stderr } = await agent('match', '--rules', bench.rules, '/dev/null');
  t.like(statisticsIn(stderr), { rules: 1, refused: 4 });
  t.false(stderr.includes('\u001b'));
  t.true(stderr.includes('d.yml:1:1: expected UTF-8'));
});

test("events in Sigma's names come from standard input too, and rules from several folders", async (t) => {
  using one = new RulesBench({ 'a.yml': ENV });
  using two = new RulesBench({ 'b.yml': ruleText('s: {User: ada}\ncondition: s', 'id: ada\n') });
  const input = '{"Image":"/bin/env","User":"ADA"}\n{"User":"bob"}\n{"User":"ada"}';
  for (const file of [[], ['-']]) {
    const { status, stdout } = spawnSync(
      process.execPath,
      [MAIN, 'match', '--rules', one.rules, '-r', two.rules, '--fields', 'sigma', ...file],
      { input, encoding: 'utf8' },
    );
    t.is(status, 0);
    t.is(stdout, '{"line":1,"rules":["env","ada"]}\n{"line":3,"rules":["ada"]}\n');
  }
});

test('what cannot be read is status 6 and says why, and a wrong option is status 2', async (t) => {
  using bench = new RulesBench({ 'a.yml': ENV });
  const none = await agent('match', '--rules', '/no/such/folder', '/dev/null');
  t.deepEqual(
    [none.code, none.stderr],
    [6, 'probes-agent match: there is no folder /no/such/folder; create it, or remove it from the list\n'],
  );
  const missing = await agent('match', '--rules', bench.rules, '/no/such/file');
  t.deepEqual([missing.code, missing.stderr], [6, 'probes-agent match: there is no file /no/such/file\n']);
  const long = await agent('match', '--rules', bench.rules, bench.events('{}', 'x'.repeat(MAX_LINE_BYTES)));
  t.deepEqual(
    [long.code, long.stderr],
    [6, `probes-agent match: ${bench.path('events')}:2: the line is longer than ${MAX_LINE_BYTES} bytes\n`],
  );
  t.is((await agent('match', bench.path('events'))).code, 2);
  t.is((await agent('match', '--rules', bench.rules, '--fields', 'ecs')).code, 2);
});

test('a reader that has enough ends it quietly', (t) => {
  using bench = new RulesBench({ 'a.yml': ENV });
  const file = bench.events(...Array.from({ length: 50_000 }, () => EXEC_EXAMPLE));
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `"$0" "$1" match --rules "$2" "$3" | head -n 1`, process.execPath, MAIN, bench.rules, file],
    { encoding: 'utf8' },
  );
  t.deepEqual([stdout, stderr], ['{"line":1,"rules":["env"]}\n', '']);
});

const hasPython = spawnSync('python3', ['-c', '']).status === 0;
const pythonTest = hasPython ? test : test.skip;

pythonTest(`${hasPython ? '' : '[skipped: needs python3] '}a reader that is slow gets everything`, (t) => {
  using bench = new RulesBench({ 'a.yml': ENV });
  const file = bench.events(...Array.from({ length: 20_000 }, () => EXEC_EXAMPLE));
  // A socket in place of a pipe, as Node.js gives its children, and one that is full says so instead of waiting.
  const slow = `import socket, subprocess, sys, time
ours, theirs = socket.socketpair()
theirs.setblocking(False)
child = subprocess.Popen(sys.argv[1:], stdout=theirs, stderr=subprocess.DEVNULL)
theirs.close()
time.sleep(2)
lines = ours.makefile().read().count("\\n")
print(lines, child.wait())`;
  const { stdout, stderr } = spawnSync(
    'python3',
    ['-c', slow, process.execPath, MAIN, 'match', '--rules', bench.rules, file],
    { encoding: 'utf8' },
  );
  t.is(stdout, '20000 0\n', stderr);
});

for (const platform of ['linux', 'macos', 'windows'] as const) {
  const check = SKIPPED === '' ? test : test.skip;
  check(`${SKIPPED}with all SigmaHQ rules for ${platform}, match says what two other engines agree on`, async (t) => {
    using bench = new RulesBench(
      Object.fromEntries(
        readRuleFiles(platform as Platform).map(({ file, text }) => [file.replaceAll('/', '_'), text]),
      ),
    );
    const expected = readExpected(platform);
    const file = bench.events(...expected.map(({ event }) => event));
    const { code, stdout } = await agent(
      'match',
      '--rules',
      bench.rules,
      '--platform',
      platform,
      '--fields',
      'sigma',
      file,
    );
    t.is(code, 0);
    const found = new Map(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { line: number; rules: string[] })
        .map(({ line, rules }) => [line, rules]),
    );
    for (const [i, { expected: ids, disputed }] of expected.entries()) {
      t.deepEqual(
        (found.get(i + 1) ?? []).filter((id) => !disputed.includes(id)).toSorted(),
        [...ids].toSorted(),
        `line ${i + 1}`,
      );
    }
  });
}

test('placeholders come from a file; one that cannot be used is said, with every reason', async (t) => {
  using bench = new RulesBench({ 'a.yml': ruleText("s: {'User|expand': '%admins%'}\ncondition: s", 'id: admin\n') });
  const events = bench.events({ User: 'ada' }, { User: 'eve' });
  const matched = (...more: string[]) => agent('match', '--rules', bench.rules, '--fields', 'sigma', events, ...more);
  t.regex((await matched()).stderr, /the placeholder %admins% has no values/);
  const file = bench.path('names.yaml');
  writeFileSync(file, 'admins: [ada, grace]\n');
  const { code, stdout } = await matched('--placeholders', file);
  t.is(code, 0);
  t.is(stdout, '{"line":1,"rules":["admin"]}\n');
  writeFileSync(file, 'admins: ada\nothers: []\n');
  const wrong = await matched('--placeholders', file);
  t.is(wrong.code, 6);
  t.true(wrong.stderr.includes(`${file}:1:9: admins: expected a list of values, found "ada"`), wrong.stderr);
  t.true(wrong.stderr.includes(`${file}:2:9: others: expected a list of values, found an empty one`), wrong.stderr);
  t.regex((await matched('--placeholders', bench.path('none'))).stderr, /none: there is no such file/);
});

test('skipped rules are counted by reason, with the flag that uses them', async (t) => {
  const windows = ENV.replace('process_creation', 'process_creation\n    product: windows');
  const named = (text: string, id: string) =>
    text.replace('id: env', `id: ${id}`).replace('title: Test', `title: ${id}`);
  using bench = new RulesBench({
    'a.yml': named(windows, 'a'),
    'b.yml': named(windows, 'b'),
    'c.yml': named(ENV.replace('process_creation', 'process_creation\n    product: macos'), 'c'),
    'd.yml': `status: deprecated\n${named(ENV, 'd')}`,
    'e.yml': named(ENV.replace('process_creation', 'file_event\n    product: linux'), 'e'),
    'f.yml': ENV,
  });
  const skipped = async (...more: string[]) =>
    statisticsIn((await agent('match', '-r', bench.rules, '/dev/null', ...more)).stderr);
  const own = await skipped();
  t.like(own, { rules: 1, skipped: 5 });
  t.deepEqual(own['skipped_by_reason'], [
    { reason: 'for windows', count: 2, remedy: '--platform windows' },
    { reason: 'for macos', count: 1, remedy: '--platform macos' },
    { reason: 'its status is deprecated', count: 1 },
    { reason: 'its log source is file_event/linux, not process_creation/linux', count: 1 },
  ]);
  t.like(await skipped('--platform', 'windows'), { rules: 3, skipped: 3 }, 'the flag does what is said of it');
});

testWith('script')('in a terminal, skipped rules and their flag are lines of text', (t) => {
  const windows = ENV.replace('process_creation', 'process_creation\n    product: windows');
  using bench = new RulesBench({ 'a.yml': windows, 'b.yml': windows.replace('id: env', 'id: b') });
  const { stdout } = spawnSync(
    'script',
    ['--quiet', '--return', '--command', `${process.execPath} ${MAIN} match -r ${bench.rules} /dev/null`, '/dev/null'],
    { encoding: 'utf8' },
  );
  t.regex(
    stdout,
    /^0 rules, 0 refused, 2 skipped\r\n {8}2 {2}skipped: for windows; they are used with --platform windows\r$/mu,
  );
});

test('of an alert, its own words about its ancestors count where no earlier line tells', async (t) => {
  using bench = new RulesBench({
    'a.yml': ruleText('s: {ParentCommandLine|contains: install}\ncondition: s', 'id: parent\n'),
    'b.yml': ruleText('s: {GrandParentImage: /sbin/init}\ncondition: s', 'id: grandparent\n').replace('Test', 'B'),
    'c.yml': ruleText('s: {ProcessGuid: boot/5/9, ParentProcessGuid: boot/4/8}\ncondition: s', 'id: ids\n').replace(
      'Test',
      'C',
    ),
  });
  const alert = (ancestors: unknown) => ({ ...execEvent(5, { pid: 5 }), rules: [], entity_id: 'boot/5/9', ancestors });
  const parent = { pid: 4, entity_id: 'boot/4/8', exe: '/usr/bin/npm', command_line: 'npm install' };
  const file = bench.events(
    alert([parent, { pid: 1, exe: '/sbin/init' }]),
    ...[undefined, null, 7, [], [null], [{ command_line: 7 }, 'x'], { 0: parent }].map(alert),
  );
  const { code, stdout } = await agent('match', '--rules', bench.rules, file);
  t.is(code, 0);
  t.is(stdout, '{"line":1,"rules":["parent","grandparent","ids"]}\n');
});

test('rules that read the environment of events that have none are noted, and not where one has some', async (t) => {
  using bench = new RulesBench({ 'a.yml': ruleText('s: {env.LD_PRELOAD|startswith: /}\ncondition: s', 'id: pre\n') });
  const run = (...events: (object | string)[]) => agent('match', '--rules', bench.rules, bench.events(...events));
  const without = await run(EXEC_EXAMPLE);
  t.is(without.code, 0);
  t.regex(without.stderr, /note: rules read variables of the environment, and no event has any/);
  const preload = { ...EXEC_EXAMPLE, env: { LD_PRELOAD: '/tmp/x.so' } };
  const { stdout, stderr } = await run(EXEC_EXAMPLE, preload);
  t.is(stdout, '{"line":2,"rules":["pre"]}\n');
  t.notRegex(stderr, /note/);
});
