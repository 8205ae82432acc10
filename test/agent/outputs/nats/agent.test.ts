import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execEvent, FakeHelper } from '../../../support/fake-helper.ts';
import { Workplace } from '../../support/agent-process.ts';
import { read, start } from '../../support/outputs.ts';
import { StandIn } from './server.ts';

const config = (helper: FakeHelper, outputs: string): string =>
  `source: { socket: ${helper.socketPath} }\noutputs:\n${outputs}`;

const seqsOf = (server: StandIn): unknown[] =>
  server.stored.map(({ payload }) => (JSON.parse(payload) as { seq?: number }).seq);

test.serial(
  'a server that goes away under load and comes back has every event once, in order; standard output has events alone',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using server = await new StandIn().listen();
    await using agent = await start(
      work,
      config(
        helper,
        `  - { name: soc, type: nats, servers: ["${server.url}"], batch: { max_age: 10ms } }\n  - { name: screen, type: stdout, view: json }\n`,
      ),
    );
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    let last = 0;
    for (let i = 0; i < 8; i++) {
      if (i % 2 === 1) await server.stop();
      // Garbage in place of a server does no harm either.
      server.serve = i % 4 === 2 ? (socket) => void socket.end('garbage\r\n') : undefined;
      if (i % 2 === 0 && i > 0) await server.listen();
      for (let j = 0; j < 20; j++) {
        helper.send(...Array.from({ length: 25 }, () => execEvent(++last)));
        await delay(10);
      }
    }
    server.serve = undefined;
    await server.listen();
    await agent.until(() => server.stored.length === last);
    t.is(await agent.end(), 0);
    t.deepEqual(
      seqsOf(server),
      Array.from({ length: last }, (_, i) => i + 1),
    );
    t.true(agent.countOf('OutputFailed') > 0);
    const lines = agent.stdout.trimEnd().split('\n');
    t.deepEqual(
      lines.map((line) => (JSON.parse(line) as { seq: number }).seq),
      Array.from({ length: last }, (_, i) => i + 1),
    );
  },
);

test.serial('an output for alerts gets alerts and gaps alone; after SIGHUP it goes on', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new StandIn().listen();
  writeFileSync(
    work.path('rule.yml'),
    'title: Mark\nid: 0d0c1f5e-63ce-4b0b-a3b6-2b0a8e3d5a11\nlogsource: { category: process_creation }\ndetection: { a: { CommandLine|contains: marked }, condition: a }\n',
  );
  const text = `rules: { builtin: false, folders: [${work.folder}] }\n${config(
    helper,
    `  - { name: soc, type: nats, servers: ["${server.url}"], events: alerts, subject: "alerts.{type}", batch: { max_age: 10ms } }\n`,
  )}`;
  await using agent = await start(work, text);
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const marked = { command: '/usr/bin/x marked', argv: ['x', 'marked'] };
  helper.send(execEvent(1), execEvent(2, marked), execEvent(3), execEvent(7));
  await agent.until(() => server.stored.length === 2);
  t.deepEqual(
    server.stored.map(({ subject }) => subject),
    ['alerts.exec', 'alerts.gap'],
  );
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf('ConfigReloaded') === 1);
  helper.send(execEvent(8, marked));
  await agent.until(() => server.stored.length === 3);
  t.is(server.connects.length, 1, 'an output that did not change stays');
  t.is(await agent.end(), 0);
  t.deepEqual(server.stored[2]!.headers['Nats-Msg-Id'], `${helper.hello.boot_id}:8:soc`);
});

test.serial('an output whose secret is missing keeps the agent from starting, by its name', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(
    work,
    config(
      helper,
      `  - { name: soc, type: nats, servers: ["nats://127.0.0.1:1"], auth: { creds_file: ${work.path('none')} } }\n`,
    ),
  );
  t.is((await agent.exited).code, 4);
  t.regex(agent.stderr, /OUTPUT_FAILED: output "soc": cannot read .*none: no such file/u);
  t.is(read(work.path('none')), '');
});
