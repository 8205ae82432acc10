import { chmodSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { wholeLines } from '../../support/lines.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { ask } from '../../support/metrics.ts';
import { Terminal, withoutControls } from '../../support/terminal.ts';
import { AgentProcess, agentCommand, Workplace } from '../support/agent-process.ts';
import { controlledConfig, withControl } from '../support/controlled.ts';
import { read, start } from '../support/outputs.ts';
import { agent as run } from '../support/run.ts';

const RULES = `rules: { folders: [${new URL('../control/fixtures', import.meta.url).pathname}] }\n`;

const now = (): { time: string; timestamp: number } => ({
  time: new Date().toISOString().replace('Z', '000000Z'),
  timestamp: Math.floor(Date.now() / 1000),
});

/** Resolves when so many readers get events. */
async function readers(socket: string, count: number): Promise<void> {
  const connected = async () =>
    (JSON.parse((await ask(`unix:${socket}`, '/v1/status')).body) as { readers: number }).readers;
  while ((await connected()) !== count) await delay(20);
}

const parsed = (text: string) => wholeLines(text).map((line) => JSON.parse(line) as Record<string, unknown>);

test.serial('in a pipe, the very lines of the file as they come; Ctrl-C ends it with 0', (t) =>
  withControl(async ({ helper, agent, work, socket }) => {
    helper.send(execEvent(1, now()));
    await agent.until(() => read(work.path('events')).includes('"seq":1,'));
    await using tail = new AgentProcess(['tail', '--socket', socket, '--since', '1h']);
    await tail.until(() => tail.stdout.includes('"seq":1,'));
    helper.send(execEvent(2, now()), gapEvent(3, 4));
    helper.send(execEvent(5, now()));
    await tail.until(() => tail.stdout.includes('"seq":5,'));
    t.is(tail.stdout, read(work.path('events')));
    t.is(await tail.end('SIGINT'), 0);
    t.is(tail.stderr, '');
  }),
);

test.serial('filter, user by name, rule and alerts choose; --no-follow ends after what is held', (t) =>
  withControl(async ({ helper, agent, work, socket }) => {
    helper.send(
      execEvent(1, { ...now(), uid: 0 }),
      execEvent(2, { ...now(), exe: '/usr/bin/curl', uid: 1000 }),
      execEvent(3, { ...now(), container_id: 'ab12', uid: 1000 }),
    );
    await agent.until(() => read(work.path('events')).includes('"seq":3,'));
    const shown = async (...args: string[]) => {
      const { code, stdout, stderr } = await run('tail', '--socket', socket, '--since', '1h', '--no-follow', ...args);
      t.is(code, 0, stderr);
      return parsed(stdout).map(({ seq }) => seq);
    };
    t.deepEqual(await shown(), [1, 2, 3]);
    t.is(parsed((await run('tail', '--socket', socket, '--no-follow')).stdout).length, 3, 'all that are held');
    t.deepEqual(await shown('Image|endswith: /curl'), [2]);
    t.deepEqual(await shown('--user', 'root'), [1]);
    t.deepEqual(await shown('--user', '1000', '--container', 'ab'), [3]);
    t.deepEqual(await shown('--alerts'), [2]);
    t.deepEqual(await shown('--rule', 'No Such Rule'), []);
    const [plain, explained] = await Promise.all(
      [[], ['--explain']].map(async (args) =>
        parsed((await run('tail', '--socket', socket, '--no-follow', '--alerts', ...args)).stdout),
      ),
    );
    t.false('explanations' in plain![0]!);
    t.like(explained![0]!['explanations'], [{ explanation: { part: 'condition', held: true } }]);
    for (const [args, reason] of [
      [['Image|endswiht: /curl'], /did you mean/],
      [['x'.repeat(9000)], /the request is longer than the agent reads; give it a shorter filter/],
      [['--since', '10'], /--since: expected a duration/],
      [['--rate', '-1'], /--rate: expected a whole number/],
      [['--rate', '100001'], /--rate: expected a whole number/],
      [['--user', 'no-such-user-here'], /--user: there is no user "no-such-user-here"/],
      [['--rate', 'many'], /--rate: expected a whole number from 1 to 100000, or 0 for all; got "many"/],
    ] as const) {
      const { code, stderr } = await run('tail', '--socket', socket, ...args);
      t.is(code, 2, stderr);
      t.regex(stderr, reason);
    }
  }, RULES),
);

for (const columns of [40, 80, 200])
  test.serial(`in a terminal of ${columns} columns, a table; hostile strings stay text and in their row`, (t) =>
    withControl(async ({ helper, socket }) => {
      await using terminal = new Terminal(agentCommand('tail', '--socket', socket, '--tree'), { columns });
      await terminal.until(() => terminal.text.includes('COMMAND'));
      helper.send(
        execEvent(1, { ...now(), pid: 10, start_time: 1, command: '/bin/sh' }),
        execEvent(2, { ...now(), pid: 11, start_time: 2, parent: { pid: 10, start_time: 1 }, command: 'child' }),
        execEvent(3, { ...now(), exe: '/usr/bin/curl', command: `/usr/bin/curl ${'x'.repeat(300)}` }),
        execEvent(4, {
          ...now(),
          command: 'evil \u001b]0;title\u0007\u001b[2J\r\n\u202e\u009b31m 漢字漢字漢字漢字漢字漢字漢字漢字漢字',
        }),
        gapEvent(5, 9),
      );
      await terminal.until(() => terminal.text.includes('5 EVENTS'));
      terminal.type('\x03');
      t.is(await terminal.status, 0);
      const { text } = terminal;
      t.true(text.includes('└ child'));
      t.true(text.includes('\x1b[31m/usr/bin/cu'), 'an alert is red');
      for (const control of ['\x1b]', '\x1b[2J', '\u202e', '\u009b', '\u0007'])
        t.false(text.includes(control), 'nothing of an event reaches the terminal as a control');
      t.true(text.includes(String.raw`evil \x1b]0`));
      const rows = terminal.rows.filter((row) => row !== '' && row !== '^C');
      t.is(rows.length, 6, rows.join('\n'));
      for (const row of rows) t.true(widthOf(row) <= columns, row);
    }, RULES),
  );

test.serial(
  'an agent that goes away is said to, and followed when it comes back: nothing lacks, nothing comes twice',
  (t) =>
    withControl(async ({ helper, agent, work, socket }) => {
      await using terminal = new Terminal(agentCommand('tail', '--socket', socket), { columns: 120 });
      await using pipe = new AgentProcess(['tail', '--socket', socket]);
      await terminal.until(() => terminal.text.includes('COMMAND'));
      await readers(socket, 2);
      helper.send(execEvent(1, now()));
      await terminal.until(() => terminal.text.includes('true 1\x1b') || terminal.text.includes('true 1 '));
      await pipe.until(() => pipe.stdout.includes('"seq":1,'));
      t.is(await agent.end(), 0);
      await terminal.until(() => terminal.text.includes('waiting for it to come back'));
      await pipe.until(() => pipe.stderr.includes('waiting for it to come back'));
      helper.send(execEvent(2, now()));
      await using again = await start(work, controlledConfig(helper, work, RULES));
      await pipe.until(() => pipe.stderr.includes('connected again'));
      await terminal.until(() => terminal.text.includes('connected again'));
      helper.send(execEvent(3, now()));
      await pipe.until(() => pipe.stdout.includes('"seq":3,'));
      await terminal.until(() => / 3\b.*$/m.test(withoutControls(terminal.text)));
      t.deepEqual(
        parsed(pipe.stdout).map(({ seq }) => seq),
        [1, 2, 3],
      );
      t.is(await pipe.end('SIGTERM'), 0);
      terminal.type('\x03');
      t.is(await terminal.status, 0);
      t.is(await again.end(), 0);
    }, RULES),
);

test.serial('with --no-reconnect it ends with the agent, status 11', (t) =>
  withControl(async ({ agent, socket }) => {
    await using tail = new AgentProcess(['tail', '--socket', socket, '--no-reconnect']);
    while (!/"readers":1\b/.test((await ask(`unix:${socket}`, '/v1/status')).body));
    await agent.end();
    t.is((await tail.exited).code, 11);
    t.regex(tail.stderr, /CONTROL_UNREACHABLE: .*the agent ended the connection/);
  }),
);

test.serial('a storm in a terminal: as many as the rate lets through, the others counted; outputs have all', (t) =>
  withControl(async ({ helper, agent, work, socket }) => {
    const COUNT = 20_000;
    await using terminal = new Terminal(agentCommand('tail', '--socket', socket, '--rate', '50'), { columns: 100 });
    await terminal.until(() => terminal.text.includes('COMMAND'));
    for (let seq = 1; seq <= COUNT; seq++) helper.send(execEvent(seq, now()));
    await agent.until(() => read(work.path('events')).includes(`"seq":${COUNT},`));
    await terminal.until(() => /[\d,]+ events not shown: there were more a second than --rate/.test(terminal.text));
    const rows = terminal.rows.filter((row) => row.includes('/usr/bin/true'));
    t.true(rows.length < 2000, `${rows.length} rows`);
    t.is(parsed(read(work.path('events'))).length, COUNT, 'outputs have all of them');
    terminal.type('\x03');
    t.is(await terminal.status, 0);
  }),
);

for (const [env, isColoured] of [
  [{ LANG: 'C.UTF-8', NO_COLOR: '1' }, false],
  [{ LANG: 'C.UTF-8', FORCE_COLOR: '1' }, true],
  [{ LANG: 'C', TERM: 'dumb' }, false],
] as const)
  test.serial(`${JSON.stringify(env)}: the table has ${isColoured ? '' : 'no '}colours`, (t) =>
    withControl(async ({ helper, socket }) => {
      await using terminal = new Terminal(agentCommand('tail', '--socket', socket, '--tree'), { env });
      await terminal.until(() => terminal.text.includes('COMMAND'));
      helper.send(
        execEvent(1, { ...now(), pid: 10, start_time: 1 }),
        execEvent(2, { ...now(), pid: 11, start_time: 2, parent: { pid: 10, start_time: 1 }, command: 'child' }),
      );
      await terminal.until(() => terminal.text.includes('child'));
      t.is(terminal.text.includes('\x1b['), isColoured);
      t.true(terminal.text.includes(env.LANG === 'C' ? String.raw`\_ child` : '└ child'));
      terminal.type('\x03');
      t.is(await terminal.status, 0);
    }),
  );

test.serial('a reader that leaves ends it quietly', (t) =>
  withControl(async ({ helper, socket }) => {
    await using terminal = new Terminal(
      ['/bin/sh', '-c', `"$@" | head -n 1; echo ended`, 'sh', ...agentCommand('tail', '--socket', socket)],
      { columns: 100 },
    );
    const send = setInterval(() => helper.send(execEvent(helper.backlog.length + 1, now())), 20);
    await terminal.until(() => terminal.text.includes('ended'));
    clearInterval(send);
    t.is(await terminal.status, 0);
    t.notRegex(terminal.text, /EPIPE|Error/);
  }),
);

test.serial('without an agent it says why and what to do, status 11', async (t) => {
  using work = new Workplace();
  const socket = work.path('control.sock');
  const absent = await run('tail', '--socket', socket);
  t.is(absent.code, 11);
  t.regex(absent.stderr, /there is no socket at .*does the agent run, and does its configuration have "control"/);
  work.configure('outputs: [{ name: a, type: stdout }]\n');
  const none = await run('tail', '--config', work.configFile);
  t.is(none.code, 11);
  t.regex(none.stderr, /has no "control".*Add "control: \{\}"/);
  chmodSync(work.configFile, 0o600);
  const missing = await run('tail', '--config', work.path('other.yaml'));
  t.is(missing.code, 11);
  t.regex(missing.stderr, /no such file/);
});
