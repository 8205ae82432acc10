import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { Workplace } from './support/agent-process.ts';
import { killed, linesOf, read, start, summaryOf, toFile, writeAndKill } from './support/outputs.ts';

test.serial('an agent that was killed goes on in each file where that file ends', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ hello: { last_seq: 3 } }).listen();
  const [old, fresh] = [work.path('old.jsonl'), work.path('fresh.jsonl')];
  helper.send(execEvent(1), execEvent(2), execEvent(3));
  await writeAndKill(work, helper, old);
  helper.backlog.push(JSON.stringify(gapEvent(4, 6)), JSON.stringify(execEvent(7)));
  helper.hello.last_seq = 7;
  await using agent = await start(work, `${toFile(helper, old)}  - { name: new, type: file, path: ${fresh} }\n`);
  await agent.until(() => linesOf(read(fresh)).length === 5 && linesOf(read(old)).length === 5);
  t.is(summaryOf(read(old)), '1 2 3 [4-6 ring ring_full] 7');
  t.is(summaryOf(read(fresh)), '1 2 3 [4-6 ring ring_full] 7');
  t.deepEqual(
    agent.events.filter(({ event }) => event === 'OutputResumed').map(({ output, after }) => [output, after]),
    [['local', 3]],
  );
  t.true(agent.events.every(({ level, event }) => level === 'info' || event === 'AgentRunsAsRoot'));
  t.is(await agent.end(), 0);
});

test.serial('what the backlog lost while the agent was dead is a gap, and only that', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ hello: { last_seq: 2 } }).listen();
  const [old, fresh] = [work.path('old.jsonl'), work.path('fresh.jsonl')];
  helper.send(execEvent(1), execEvent(2));
  await writeAndKill(work, helper, old);
  helper.backlog = [JSON.stringify(execEvent(9)), JSON.stringify(execEvent(10))];
  Object.assign(helper.hello, { last_seq: 10, oldest_held_seq: 9 });
  {
    await using agent = await start(work, toFile(helper, old));
    await agent.until(() => linesOf(read(old)).length === 5);
    t.like(
      agent.events.find(({ event }) => event === 'EventsMissing'),
      { count: 6 },
    );
    await killed(agent);
  }
  t.is(summaryOf(read(old)), '1 2 [3-8 pipe backlog_overrun] 9 10');
  {
    await using agent = await start(work, `${toFile(helper, old)}  - { name: new, type: file, path: ${fresh} }\n`);
    await agent.until(() => linesOf(read(fresh)).length === 3);
    t.is(await agent.end(), 0);
  }
  t.is(summaryOf(read(fresh)), '[1-8 pipe backlog_overrun] 9 10');
  t.is(summaryOf(read(old)), '1 2 [3-8 pipe backlog_overrun] 9 10');
});

test.serial(
  'a probe that was loaded anew while the agent was dead makes no gap: nobody knows what ran in between',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper({ hello: { last_seq: 2 } }).listen();
    const path = work.path('e.jsonl');
    helper.send(execEvent(1), execEvent(2));
    await writeAndKill(work, helper, path);
    helper.backlog = [JSON.stringify(execEvent(1000))];
    Object.assign(helper.hello, { first_seq: 1000, last_seq: 1000 });
    await using agent = await start(work, toFile(helper, path));
    await agent.until(() => linesOf(read(path)).length === 3);
    t.is(summaryOf(read(path)), '1 2 1000');
    t.is(agent.countOf('ProbeReloaded'), 1);
    t.is(await agent.end(), 0);
  },
);

test.serial('after a boot the numbers of the file do not count', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ hello: { last_seq: 2 } }).listen();
  const path = work.path('e.jsonl');
  helper.send(execEvent(1), execEvent(2));
  await writeAndKill(work, helper, path);
  Object.assign(helper.hello, { boot_id: 'another', last_seq: 2 });
  await using agent = await start(work, toFile(helper, path));
  await agent.until(() => linesOf(read(path)).length === 4);
  t.is(summaryOf(read(path)), '1 2 1 2');
  t.is(await agent.end(), 0);
});

test.serial('killed again and again while events pour in, its files hold each of them once', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ hello: { last_seq: 40_000 } }).listen();
  helper.send(...Array.from({ length: 40_000 }, (_, i) => execEvent(i + 1)));
  const path = work.path('e.jsonl');
  const whole = (): string =>
    [...Array(200).keys()]
      .toReversed()
      .map((n) => read(n === 0 ? path : `${path}.${n}`))
      .join('');
  const sizeOf = (): number => Buffer.byteLength(whole());
  const config = toFile(helper, path, ', max_bytes: 1MiB, max_files: 1000');
  const total = helper.backlog.join('\n').length + 1;
  for (let lives = 0; sizeOf() < total; lives++) {
    await using agent = await start(work, config);
    const before = sizeOf();
    await agent.until(() => sizeOf() > before);
    await delay((lives * 7) % 40);
    await killed(agent);
  }
  {
    await using agent = await start(work, config);
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    t.is(await agent.end(), 0);
  }
  t.deepEqual(linesOf(whole()), helper.backlog);
});
