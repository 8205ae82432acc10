import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execEvent, FakeHelper } from '../support/fake-helper.ts';
import { type AgentProcess, Workplace } from './support/agent-process.ts';
import { linesOf, read, start, summaryOf, toFile, toStdout } from './support/outputs.ts';

test.serial('SIGHUP with a good file: outputs that stay lose nothing, new ones begin, old ones end', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  const output = (name: string, more = ''): string =>
    `  - { name: ${name}, type: file, path: ${work.path(name)}${more} }\n`;
  const head = `source: { socket: ${helper.socketPath} }\noutputs:\n`;
  await using agent = await start(work, head + output('stays') + output('goes') + output('changes'));
  helper.send(execEvent(1));
  await agent.until(() => ['stays', 'goes', 'changes'].every((name) => read(work.path(name)) !== ''));
  work.configure(head + output('stays') + output('comes') + output('changes', ', max_files: 7'));
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf('ConfigReloaded') === 1);
  helper.send(execEvent(2));
  await agent.until(() => ['comes', 'changes', 'stays'].every((name) => read(work.path(name)).includes('"seq":2,')));
  t.is(await agent.end(), 0);
  t.deepEqual(
    Object.fromEntries(['stays', 'goes', 'changes', 'comes'].map((name) => [name, summaryOf(read(work.path(name)))])),
    { stays: '1 2', goes: '1', changes: '1 2', comes: '2' },
  );
  t.is(helper.connections, 1);
  t.is(agent.events.filter(({ event, output: name }) => event === 'OutputClosed' && name === 'stays').length, 1);
});

test.serial('SIGHUP with a wrong file: every problem is in the log and the old configuration goes on', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toFile(helper, work.path('e')));
  helper.send(execEvent(1));
  await agent.until(() => read(work.path('e')) !== '');
  work.configure('outptus: []\nlog: { level: loud }\n');
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf('ConfigRefused') === 1);
  const problems = agent.events.find(({ event }) => event === 'ConfigRefused')!['problems'] as string[];
  t.is(problems.length, 3);
  t.true(problems.some((problem) => problem.endsWith('outptus: unknown key, did you mean outputs?')));
  helper.send(execEvent(2));
  await agent.until(() => linesOf(read(work.path('e'))).length === 2);
  t.is(await agent.end(), 0);
});

test.serial('SIGHUP with an output that cannot be opened changes nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toFile(helper, work.path('e')));
  await agent.until(() => helper.clients.size === 1);
  work.configure(toFile(helper, work.path('no/such/folder')));
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf('ConfigRefused') === 1);
  helper.send(execEvent(1));
  await agent.until(() => linesOf(read(work.path('e'))).length === 1);
  t.is(await agent.end(), 0);
});

test.serial('SIGHUP with another socket goes over to it', async (t) => {
  using work = new Workplace();
  await using before = await new FakeHelper().listen();
  await using after = await new FakeHelper().listen();
  after.send(execEvent(1), execEvent(2));
  await using agent = await start(work, toStdout(before));
  before.send(execEvent(1));
  await agent.until(() => linesOf(agent.stdout).length === 1);
  work.configure(toStdout(after));
  agent.child.kill('SIGHUP');
  await agent.until(() => linesOf(agent.stdout).length === 2);
  t.is(summaryOf(agent.stdout), '1 2');
  await agent.until(() => before.clients.size === 0);
  await agent.end();
});

/** An agent whose standard output nobody reads, and which has more for it than fits into a pipe. */
async function stuck(work: Workplace, helper: FakeHelper): Promise<AgentProcess> {
  const agent = await start(work, `${toStdout(helper)}shutdown_timeout: 1s\n`);
  agent.child.stdout!.pause();
  await agent.until(() => helper.clients.size === 1);
  helper.send(...Array.from({ length: 5000 }, (_, i) => execEvent(1 + i)));
  await delay(300);
  return agent;
}

test.serial(
  'however often SIGHUP comes while a reload waits for an output, one more follows, with the last file',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using agent = await stuck(work, helper);
    work.configure(toFile(helper, work.path('e0')));
    agent.child.kill('SIGHUP');
    for (let i = 1; i <= 20; i++) {
      await delay(20);
      work.configure(toFile(helper, work.path(`e${i}`)));
      agent.child.kill('SIGHUP');
    }
    await agent.until(() => agent.countOf('ConfigReloaded') === 2);
    helper.send(execEvent(5001));
    await agent.until(() => linesOf(read(work.path('e20'))).some((line) => line.includes('"seq":5001,')));
    t.is(agent.countOf('ConfigReloaded'), 2);
    t.is(agent.countOf('OutputOpened'), 3);
    agent.child.kill('SIGKILL');
  },
);

test.serial('SIGHUP after SIGTERM opens nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await stuck(work, helper);
  agent.child.kill('SIGTERM');
  await agent.until(() => agent.countOf('AgentStopping') === 1);
  work.configure(toFile(helper, work.path('late')));
  agent.child.kill('SIGHUP');
  await new Promise((resolve) => agent.child.once('exit', resolve));
  t.is(agent.countOf('ConfigReloaded'), 0);
  t.is(agent.countOf('OutputOpened'), 1);
  t.false(existsSync(work.path('late')));
});
