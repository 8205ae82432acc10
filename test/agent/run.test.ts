import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { EXEC_EXAMPLE } from '../../shared/events/exec.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { AgentProcess, Workplace } from './support/agent-process.ts';
import { linesOf, numberAfter, read, start, summaryOf, toFile, toStdout } from './support/outputs.ts';

/** Runs a program on a terminal of its own; in every Debian and Red Hat by default. */
const SCRIPT = '/usr/bin/script';

const terminalTest: typeof test.serial.skip = existsSync(SCRIPT)
  ? test.serial
  : (title, run) => test.serial.skip(`[skipped: needs ${SCRIPT}] ${title}`, run as never);

test.serial('events reach a pipe as the very lines that the helper sent, hello and heartbeat do not', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ heartbeatMs: 20 }).listen();
  helper.send(execEvent(1), { type: 'connect', seq: 2 });
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => linesOf(agent.stdout).length === 2);
  helper.send(execEvent(3, { argv: ['a\nb', '"', '\x01', '', 'é'] }));
  await agent.until(() => linesOf(agent.stdout).length === 3);
  await delay(100);
  t.is(await agent.end(), 0);
  t.deepEqual(linesOf(agent.stdout), helper.backlog);
  t.is(helper.bytesFromClients, 0);
});

test.serial('a helper that restarts and replays causes neither a duplicate nor a hole', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toStdout(helper));
  helper.send(execEvent(1), execEvent(2));
  await agent.until(() => linesOf(agent.stdout).length === 2);
  await helper.stop();
  helper.backlog.push(JSON.stringify(execEvent(3)));
  helper.hello.last_seq = 3;
  await delay(300);
  await helper.listen();
  await agent.until(() => linesOf(agent.stdout).length >= 3);
  helper.disconnectAll();
  await agent.until(() => helper.clients.size === 1 && helper.connections >= 3);
  helper.send(execEvent(4));
  await agent.until(() => linesOf(agent.stdout).length >= 4);
  await agent.end();
  t.is(summaryOf(agent.stdout), '1 2 3 4');
  t.true(agent.countOf('HelperDisconnected') >= 1);
  t.is(helper.bytesFromClients, 0);
});

test.serial('what the backlog no longer holds is a gap', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ hello: { first_seq: 1, last_seq: 9, oldest_held_seq: 8 } }).listen();
  helper.send(execEvent(8), gapEvent(9, 12), execEvent(13), execEvent(15));
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => linesOf(agent.stdout).length === 6);
  await agent.end();
  t.is(
    summaryOf(agent.stdout),
    '[1-7 pipe backlog_overrun] 8 [9-12 ring ring_full] 13 [14-14 pipe backlog_overrun] 15',
  );
  t.like(
    agent.events.find(({ event }) => event === 'EventsMissing'),
    { level: 'error' },
  );
});

test.serial('garbage ends the connection, and the replay after it loses nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toStdout(helper));
  helper.send(execEvent(1));
  await agent.until(() => linesOf(agent.stdout).length === 1);
  helper.sendRaw('this is not an event\n');
  await agent.until(() => helper.connections === 2);
  helper.send(execEvent(2));
  await agent.until(() => linesOf(agent.stdout).length === 2);
  await agent.end();
  t.is(summaryOf(agent.stdout), '1 2');
  t.like(
    agent.events.find(({ event }) => event === 'HelperRefused'),
    { level: 'error' },
  );
});

test.serial('another protocol version is logged once, however often it is tried', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  helper.firstLine = '{"type":"hello","protocol":99,"helper":"9.0.0"}';
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => helper.connections >= 4);
  await agent.end();
  const refusals = agent.events.filter(({ event }) => event === 'HelperRefused');
  t.is(refusals.length, 1);
  t.regex(String(refusals[0]!['reason']), /^HELPER_PROTOCOL: the helper \(9\.0\.0\) speaks protocol 99/);
});

test.serial('a socket in a folder that others can write is not even connected to', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  chmodSync(helper.folder, 0o777);
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => agent.countOf('HelperRefused') === 1);
  await delay(200);
  t.is(helper.connections, 0);
  chmodSync(helper.folder, 0o750);
  await agent.until(() => helper.connections === 1);
  t.is(await agent.end(), 0);
});

test.serial('a helper that falls silent is left and found again', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ hello: { heartbeat_seconds: 0 } }).listen();
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => helper.connections >= 2);
  t.true(agent.countOf('HelperSilent') >= 1);
  t.is(agent.countOf('HelperDisconnected'), 0, 'it did not hang up');
  await agent.end();
});

test.serial('heartbeats alone keep a connection', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ hello: { heartbeat_seconds: 0 }, heartbeatMs: 20 }).listen();
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => helper.connections === 1);
  await delay(1000);
  t.is(helper.connections, 1);
  await agent.end();
});

test.serial('a helper that is not there is waited for, with one line in the log', async (t) => {
  using work = new Workplace();
  await using helper = new FakeHelper();
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => agent.countOf('HelperUnreachable') === 1);
  await delay(500);
  await helper.listen();
  helper.send(execEvent(1));
  await agent.until(() => linesOf(agent.stdout).length === 1);
  t.is(agent.countOf('HelperUnreachable'), 1);
  t.regex(
    String(agent.events.find(({ event }) => event === 'HelperUnreachable')!['reason']),
    /there is no socket at .*; is probes-helper running\?/,
  );
  await agent.end();
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(`after ${signal} everything that was accepted is in the file, and the status is 0`, async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    const events = Array.from({ length: 20_000 }, (_, i) => execEvent(i + 1));
    helper.send(...events);
    const path = work.path('events.jsonl');
    await using agent = await start(work, toFile(helper, path, ', max_bytes: 1GiB'));
    await agent.until(() => existsSync(path) && statSync(path).size > 0);
    t.is(await agent.end(signal), 0);
    const stored = linesOf(read(path));
    t.deepEqual(stored, helper.backlog.slice(0, stored.length));
    t.true(read(path).endsWith('\n'));
  });
}

test.serial('files rotate by size, are all 0600, and together hold every event once', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  helper.send(...Array.from({ length: 1000 }, (_, i) => execEvent(i + 1)));
  mkdirSync(work.path('log'));
  await using agent = await start(work, toFile(helper, work.path('log/e.jsonl'), ', max_bytes: 64KiB, max_files: 100'));
  const logs = (): string[] => readdirSync(work.path('log')).filter((name) => /^e\.jsonl(\.\d+)?$/.test(name));
  const total = (): number => logs().flatMap((name) => linesOf(read(work.path(`log/${name}`)))).length;
  await agent.until(() => existsSync(work.path('log/e.jsonl')) && total() === 1000);
  await agent.end();
  const names = logs().toSorted((a, b) => Number(b.split('.')[2] ?? 0) - Number(a.split('.')[2] ?? 0));
  t.true(names.length > 5);
  t.deepEqual(
    names.flatMap((name) => linesOf(read(work.path(`log/${name}`)))),
    helper.backlog,
  );
  for (const name of readdirSync(work.path('log'))) t.is(statSync(work.path(`log/${name}`)).mode & 0o777, 0o600);
});

test.serial('an output that nobody reads holds up neither the others nor the end', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  work.configure(
    `${toFile(helper, work.path('e.jsonl'))}  - { name: screen, type: stdout, max_queue_bytes: 64KiB }\nshutdown_timeout: 500ms\n`,
  );
  await using agent = new AgentProcess(['run', '--config', work.configFile]);
  agent.child.stdout!.pause();
  await agent.until(() => helper.clients.size === 1);
  for (let i = 0; i < 20; i++) {
    helper.send(...Array.from({ length: 500 }, (_, n) => execEvent(1 + i * 500 + n)));
    await delay(5);
  }
  await agent.until(() => linesOf(read(work.path('e.jsonl'))).length === 10_000);
  const asked = performance.now();
  agent.child.kill('SIGTERM');
  await new Promise((resolve) => agent.child.once('exit', resolve));
  t.true(performance.now() - asked < 3000);
  // The last lines of its log may not have been read by then; `close` never comes, because nobody reads its standard output.
  await agent.until(() => agent.countOf('ShutdownTimedOut') === 1);
});

test.serial('a slow reader gets a gap that says exactly what it missed', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  work.configure(`${toFile(helper, work.path('e.jsonl'))}  - { name: screen, type: stdout, max_queue_bytes: 64KiB }\n`);
  await using agent = new AgentProcess(['run', '--config', work.configFile]);
  agent.child.stdout!.pause();
  await agent.until(() => helper.clients.size === 1);
  for (let i = 0; i < 20; i++) helper.send(...Array.from({ length: 500 }, (_, n) => execEvent(1 + i * 500 + n)));
  await agent.until(() => linesOf(read(work.path('e.jsonl'))).length === 10_000);
  agent.child.stdout!.resume();
  await agent.until(() => numberAfter(agent.stdout) === 10_001);
  helper.send(execEvent(10_001));
  await agent.until(() => numberAfter(agent.stdout) === 10_002);
  await agent.end();
  t.true(agent.stdout.includes('"hop":"output"'));
  t.true(linesOf(agent.stdout).at(-1)!.includes('"seq":10001,'));
});

test.serial('a closed pipe ends the agent quietly', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toStdout(helper));
  await agent.until(() => helper.clients.size === 1);
  agent.child.stdout!.destroy();
  helper.send(execEvent(1));
  helper.send(execEvent(2));
  t.deepEqual(await agent.exited, { code: 0, signal: null });
  t.true(agent.events.every(({ level }) => level !== 'error'));
});

test.serial('a second signal does not wait for outputs', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  work.configure(`${toStdout(helper)}shutdown_timeout: 10m\n`);
  await using agent = new AgentProcess(['run', '--config', work.configFile]);
  agent.child.stdout!.pause();
  await agent.until(() => helper.clients.size === 1);
  helper.send(...Array.from({ length: 5000 }, (_, i) => execEvent(1 + i)));
  await delay(300);
  agent.child.kill('SIGTERM');
  await agent.until(() => agent.countOf('AgentStopping') === 1);
  const asked = performance.now();
  agent.child.kill('SIGTERM');
  await new Promise((resolve) => agent.child.once('exit', resolve));
  t.true(performance.now() - asked < 2000);
});

test.serial('a configuration with problems starts nothing: all are printed, status 3', async (t) => {
  using work = new Workplace();
  await using agent = await start(work, 'outptus: []\nlog: { level: loud }\n');
  t.is((await agent.exited).code, 3);
  t.is(agent.stdout, '');
  t.regex(agent.stderr, /agent\.yaml:1:1: outptus: unknown key, did you mean outputs\?\n/);
  t.regex(agent.stderr, /\nCONFIG_WRONG: 3 problems; nothing was started\n$/);
});

test.serial('a terminal obeys nothing of a wrong configuration, and each problem is one line', async (t) => {
  using work = new Workplace();
  await using agent = await start(work, '"\\e[2J\\nx": 1\noutputs: [{ name: a, type: stdout }]\n');
  t.is((await agent.exited).code, 3);
  t.regex(agent.stderr, /^[^\n]*agent\.yaml:1:1: \\x1b\[2J\\nx: unknown key\nCONFIG_WRONG[^\n]*\n$/);
});

test.serial('an output that cannot be opened is named with the reason, status 4', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toFile(helper, work.path('no/such')));
  t.is((await agent.exited).code, 4);
  t.regex(agent.stderr, /OUTPUT_FAILED: output "local": cannot open .*: its folder does not exist/);
  t.is(helper.connections, 0);
});

test.serial('view: live in a pipe is a table; FORCE_COLOR colours it, NO_COLOR does not', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  helper.send(execEvent(1, { command: '/bin/evil \x1b[2J', time: EXEC_EXAMPLE.time }), gapEvent(2, 3));
  for (const [env, coloured] of [
    [{ FORCE_COLOR: '1' }, true],
    [{ NO_COLOR: '1' }, false],
  ] as const) {
    await using agent = await start(work, toStdout(helper, ', view: live'), { ...env });
    await agent.until(() => linesOf(agent.stdout).length === 3);
    await agent.end();
    t.regex(agent.stdout, /\/bin\/evil \\x1b\[2J/);
    t.regex(agent.stdout, /2 EVENTS MISSING/);
    t.is(agent.stdout.includes('\x1b['), coloured);
    t.false(agent.stdout.includes('\x1b[2J'));
  }
});

terminalTest('on a terminal standard output is a live table as wide as the terminal', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  helper.send(execEvent(1, { command: `/bin/long ${'x'.repeat(300)}` }));
  work.configure(toStdout(helper));
  const program = process.getuid!() === 0 ? '../../agent/main.ts' : './support/run-agent.ts';
  const command = `stty cols 72 rows 20; exec '${process.execPath}' '${new URL(program, import.meta.url).pathname}' run --config '${work.configFile}' 2>/dev/null`;
  const script = spawn(SCRIPT, ['-qec', command, '/dev/null'], {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let screen = '';
  const failed = new Promise<never>((_, reject) => script.once('error', reject));
  script.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  try {
    for (let i = 0; i < 1000 && linesOf(screen).length < 2; i++) await Promise.race([delay(10), failed]);
    script.stdin.write('\x03');
    await new Promise((resolve) => script.once('close', resolve));
  } finally {
    script.kill('SIGKILL');
  }
  const [header, row] = screen.split('\r\n');
  t.regex(header!, /^TIME +USER +PID +PPID COMMAND$/);
  t.is(row!.length, 72);
  t.regex(row!, /… \[script\]$/);
});
