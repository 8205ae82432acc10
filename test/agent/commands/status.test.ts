import test from 'ava';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { ask } from '../../support/metrics.ts';
import { Terminal, withoutControls } from '../../support/terminal.ts';
import { AgentProcess, agentCommand, Workplace } from '../support/agent-process.ts';
import { withControl } from '../support/controlled.ts';
import { read, start } from '../support/outputs.ts';
import { agent as run } from '../support/run.ts';

const ENTERED = '\x1b[?1049h\x1b[?25l';
const LEFT = '\x1b[?25h\x1b[?1049l';

test.serial('a healthy agent: one screen in a pipe and in a terminal, JSON for programs, status 0', (t) =>
  withControl(async ({ helper, agent, work, socket }) => {
    helper.send(execEvent(1), gapEvent(2, 5));
    await agent.until(() => read(work.path('events')).includes('"last":5,'));
    const { code, stdout, stderr } = await run('status', '--socket', socket);
    t.is(code, 0, stderr);
    t.regex(stdout, /^HEALTHY agent /);
    t.regex(stdout, /^Helper +connected, /m);
    t.regex(stdout, /up \d+ s$/m, 'since it made its socket');
    t.regex(stdout, /4 at ring \(ring_full\), not in local/);
    t.regex(stdout, /^local +file +up /m);
    for (const line of stdout.split('\n')) t.true(line.length <= 80, line);
    const json = await run('status', '--json', '--config', work.configFile);
    t.is(json.code, 0);
    t.like(JSON.parse(json.stdout), { healthy: true, received: { exec: 1, gap: 1 } });
    t.deepEqual(
      Object.keys(JSON.parse(json.stdout) as object),
      Object.keys(JSON.parse((await ask(`unix:${socket}`, '/v1/status')).body) as object),
    );
    await using terminal = new Terminal(agentCommand('status', '--socket', socket), { columns: 40 });
    t.is(await terminal.status, 0);
    for (const row of terminal.rows) t.true(row.length <= 40, row);
  }),
);

test.serial('the spool is shown', async (t) => {
  using work = new Workplace();
  const socket = work.path('control.sock');
  await using agent = await start(
    work,
    `source: { socket: ${work.path('none.sock')} }
spool: { folder: ${work.path('spool')}, max_bytes: 64MiB }
outputs: [{ name: web, type: http, url: "http://127.0.0.1:9/" }]
control: { socket: ${socket} }
`,
  );
  await agent.until(() => agent.countOf('ControlListening') === 1);
  const { stdout } = await run('status', '--socket', socket);
  t.regex(stdout, /^Spool +\S.* of 64 MiB \(0%\), .*\/spool$/m);
  t.regex(stdout, /^Helper +not connected/m);
});

test.serial('an agent without its helper is not healthy after a while: status 10, and why at the top', async (t) => {
  using work = new Workplace();
  const socket = work.path('control.sock');
  await using agent = await start(
    work,
    `source: { socket: ${work.path('none.sock')} }
outputs: [{ name: local, type: file, path: ${work.path('events')} }]
control: { socket: ${socket} }
`,
  );
  await agent.until(() => agent.countOf('ControlListening') === 1);
  for (let found = await run('status', '--socket', socket); ; found = await run('status', '--socket', socket)) {
    if (found.code === 0) continue;
    t.is(found.code, 10, found.stderr);
    t.regex(found.stdout, /^NOT HEALTHY/);
    t.regex(found.stdout.split('\n')[1]!, /helper: not connected for \d+ s/);
    break;
  }
});

test.serial('--watch draws in place and restores the terminal: q, Ctrl-C, a signal', (t) =>
  withControl(async ({ agent, socket }) => {
    for (const end of ['q', '\x03']) {
      await using terminal = new Terminal(agentCommand('status', '--watch', '--socket', socket), { rows: 12 });
      await terminal.until(() => terminal.text.includes('HEALTHY'));
      t.true(terminal.text.startsWith(ENTERED));
      t.true(terminal.screen.length <= 12, 'no more rows than the terminal has');
      terminal.type(end);
      t.is(await terminal.status, 0);
      t.true(terminal.text.endsWith(LEFT));
    }
    await using terminal = new Terminal(agentCommand('status', '--watch', '--socket', socket));
    await terminal.until(() => terminal.text.includes('HEALTHY'));
    await agent.end();
    await terminal.until(() => /CONTROL_UNREACHABLE/.test(withoutControls(terminal.text)));
    terminal.type('q');
    t.is(await terminal.status, 11);
  }),
);

test.serial('top: the busiest in place, and the terminal restored; JSON in a pipe', (t) =>
  withControl(async ({ helper, socket }) => {
    let seq = 1;
    const send = setInterval(() => {
      for (let i = 0; i < 10; i++)
        helper.send(execEvent(seq++, { exe: i < 8 ? '/usr/bin/cc1' : '/bin/evil\u001b[2J' }));
    }, 20);
    await using terminal = new Terminal(agentCommand('top', '--interval', '200ms', '--socket', socket), { rows: 10 });
    await using pipe = new AgentProcess(['top', '--interval', '200ms', '--by', 'user', '--socket', socket]);
    await using once = new AgentProcess(['top', '--interval', '400ms', '--once', '--socket', socket]);
    await terminal.until(() => terminal.screen.some((row) => row.includes('/usr/bin/cc1')));
    const { screen } = terminal;
    t.true(screen.length <= 10);
    t.regex(screen[0]!, /execs\/s over \d+ s by program/);
    t.true(screen.findIndex((row) => row.includes('cc1')) < screen.findIndex((row) => row.includes('evil')));
    t.true(terminal.text.includes(String.raw`/bin/evil\x1b[2J`));
    t.false(terminal.text.includes('\x1b[2J'));
    await pipe.until(() => pipe.stdout.split('\n').length > 3);
    const [first] = pipe.stdout.split('\n').map((line) => (line === '' ? {} : (JSON.parse(line) as object)));
    t.like(first, { type: 'top', by: 'user', missed: 0, others: 0 });
    t.is(await pipe.end('SIGINT'), 0);
    t.is((await once.exited).code, 0);
    t.is(once.stdout.split('\n').length, 2);
    terminal.type('q');
    t.is(await terminal.status, 0);
    t.true(terminal.text.endsWith(LEFT));
    clearInterval(send);
    const wrong = await run('top', '--interval', '1', '--socket', socket);
    t.is(wrong.code, 2);
    t.regex(wrong.stderr, /--interval: expected a duration/);
    const none = await run('top', '--socket', `${socket}.not`);
    t.is(none.code, 11);
  }),
);

for (const signal of ['SIGTERM', 'SIGHUP'] as const)
  test.serial(`a screen that ${signal} ends restores the terminal, and so does Ctrl-Z until it goes on`, (t) =>
    withControl(async ({ socket }) => {
      const command = agentCommand('status', '--watch', '--socket', socket);
      await using terminal = new Terminal(['/bin/sh', '-c', 'echo "pid $$"; exec "$@"', 'sh', ...command]);
      await terminal.until(() => terminal.text.includes('HEALTHY'));
      const pid = Number(/pid (\d+)/.exec(terminal.text)![1]);
      terminal.type('\x1a');
      await terminal.until(() => /^State:\tT/m.test(read(`/proc/${pid}/status`)));
      // script(1) stops a moment after it, and forwards what it wrote last only when it goes on: so until then.
      await terminal.until(() => {
        terminal.resume();
        return terminal.text.includes(LEFT + ENTERED);
      });
      process.kill(pid, signal);
      t.is(await terminal.status, 0);
      t.true(terminal.text.endsWith(LEFT));
    }),
  );
