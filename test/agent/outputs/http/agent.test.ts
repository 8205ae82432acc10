import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execEvent, FakeHelper } from '../../../support/fake-helper.ts';
import { PATIENCE } from '../../../support/pace.ts';
import { Receiver, status } from '../../../support/receiver.ts';
import { problemsOf } from '../../delivery/seal/check.ts';
import { Workplace } from '../../support/agent-process.ts';
import { killUnderLoad, load } from '../../support/load.ts';
import { linesOf, numberAfter, read, start } from '../../support/outputs.ts';

const HOUR = 3_600_000;

const config = (helper: FakeHelper, outputs: string): string =>
  `source: { socket: ${helper.socketPath} }\noutputs:\n${outputs}`;

/** How much memory a process has, in MiB. */
const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

test.serial(
  'a receiver that is killed under load and comes back has every event, in order, and other outputs never waited',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using receiver = await new Receiver().listen();
    const local = work.path('local');
    await using agent = await start(
      work,
      config(
        helper,
        `  - { name: soc, type: http, url: "${receiver.url}", compression: gzip, batch: { max_age: 50ms } }\n  - { name: local, type: file, path: ${local} }\n`,
      ),
    );
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    await load(helper, 1, 2000, 2000);
    await agent.until(() => receiver.events.length > 0);
    await receiver.stop();
    await load(helper, 2001, 8000, 2000);
    t.true(numberAfter(read(local)) > 7000, 'the file got what came while the receiver was dead');
    await agent.until(() => agent.countOf('OutputFailed') > 0);
    await receiver.listen();
    await load(helper, 8001, 9000, 2000);
    await agent.until(() => receiver.seqs.at(-1) === 9000);
    t.is(await agent.end(), 0);
    // Records that the receiver had taken and could not confirm any more come twice; nothing else does.
    const first = receiver.seqs.filter((seq, i, all) => all.indexOf(seq) === i);
    t.deepEqual(
      first,
      Array.from({ length: 9000 }, (_, i) => i + 1),
    );
    t.is(numberAfter(read(local)), 9001);
    t.true(agent.countOf('OutputRecovered') > 0);
  },
);

test.serial(
  'a receiver that never comes back: memory stays bounded, and the newest events wait behind an exact gap',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using receiver = await new Receiver().listen();
    receiver.answer = status(503);
    const local = work.path('local');
    await using agent = await start(
      work,
      config(
        helper,
        `  - { name: soc, type: http, url: "${receiver.url}", max_queue_bytes: 2MiB, batch: { max_age: 50ms } }\n  - { name: local, type: file, path: ${local}, max_bytes: 1GiB }\n`,
      ),
    );
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    await load(helper, 1, 10_000, 10_000);
    await agent.until(() => numberAfter(read(local)) === 10_001);
    const before = residentMiB(agent.child.pid!);
    await load(helper, 10_001, 80_000, 20_000);
    await agent.until(() => read(local).includes('"seq":80000,'));
    const grown = residentMiB(agent.child.pid!) - before;
    t.true(grown < 64, `${grown} MiB more after 50 MB of events`);
    receiver.answer = (received, response) => {
      void received;
      response.end();
      return 'taken';
    };
    helper.send(execEvent(80_001));
    await agent.until(() => receiver.seqs.at(-1) === 80_001);
    t.is(await agent.end(), 0);
    // Numbers and gaps make every number, each once.
    t.is(numberAfter(receiver.events.map((event) => `${JSON.stringify(event)}\n`).join('')), 80_002);
    t.true(
      receiver.events.some(({ type, cause, stream }) => type === 'gap' && cause === 'queue_full' && stream === 'soc'),
    );
    t.is(numberAfter(read(local)), 80_002);
  },
);

test.serial('an output for alerts gets alerts and gaps alone', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using receiver = await new Receiver().listen();
  writeFileSync(
    work.path('rule.yml'),
    'title: Mark\nid: 0d0c1f5e-63ce-4b0b-a3b6-2b0a8e3d5a11\nlogsource: { category: process_creation }\ndetection: { a: { CommandLine|contains: marked }, condition: a }\n',
  );
  await using agent = await start(
    work,
    `rules: { builtin: false, folders: [${work.folder}] }\n${config(helper, `  - { name: soc, type: http, url: "${receiver.url}", events: alerts, body: array }\n`)}`,
  );
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const marked = { command: '/usr/bin/x marked', argv: ['x', 'marked'] };
  helper.send(execEvent(1), execEvent(2, marked), execEvent(3), execEvent(7));
  await agent.until(() => receiver.events.length === 2);
  t.deepEqual(receiver.seqs, [2, '4-6']);
  t.like(receiver.events[0], { stream: 'soc', boot_id: helper.hello.boot_id, schema_version: 1 });
  t.true(Array.isArray(receiver.events[0]!['rules']));
  t.is(await agent.end(), 0);
});

test.serial('after SIGHUP an output that did not change goes on with the secret that is in the file now', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using receiver = await new Receiver().listen();
  writeFileSync(work.path('token'), 'hunter2-old');
  const outputs = `  - { name: soc, type: http, url: "${receiver.url}", auth: { token_file: ${work.path('token')} } }\n`;
  await using agent = await start(work, config(helper, outputs));
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  helper.send(execEvent(1));
  await agent.until(() => receiver.events.length === 1);
  writeFileSync(work.path('token'), 'hunter2-new');
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf('ConfigReloaded') === 1);
  receiver.answers.push(status(401), status(403), status(500));
  helper.send(execEvent(2));
  await agent.until(() => receiver.events.length === 2);
  t.is(await agent.end(), 0);
  t.deepEqual(
    [...new Set(receiver.requests.map(({ headers }) => headers.authorization))],
    ['Bearer hunter2-old', 'Bearer hunter2-new'],
  );
  t.notRegex(agent.stderr + agent.stdout, /hunter2/u);
  t.true(agent.countOf('OutputFailed') > 0, 'the log has lines in which it could have been');
});

test.serial(
  'a receiver that asks for an hour of patience gets it, and holds up neither SIGTERM nor the other output',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using receiver = await new Receiver().listen();
    receiver.answer = status(429, '', { 'Retry-After': String(HOUR / 1000) });
    const local = work.path('local');
    await using agent = await start(
      work,
      `shutdown_timeout: 1s\n${config(helper, `  - { name: soc, type: http, url: "${receiver.url}", batch: { max_age: 0ms } }\n  - { name: local, type: file, path: ${local} }\n`)}`,
    );
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    helper.send(execEvent(1));
    await agent.until(() => receiver.requests.length === 1);
    helper.send(execEvent(2));
    await agent.until(() => linesOf(read(local)).length === 2);
    await delay(500);
    t.is(receiver.requests.length, 1);
    const begun = performance.now();
    t.is(await agent.end(), 5, 'events were not delivered, and the status says so');
    t.true(performance.now() - begun < 10_000 * PATIENCE);
  },
);

test.serial(
  'an output whose certificate or secret is missing keeps the agent from starting, by its name',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using agent = await start(
      work,
      config(
        helper,
        `  - { name: soc, type: http, url: "https://127.0.0.1:1/", auth: { token_file: ${work.path('none')} } }\n`,
      ),
    );
    t.is((await agent.exited).code, 4);
    t.regex(agent.stderr, /OUTPUT_FAILED: output "soc": cannot read .*none: no such file/u);
    t.deepEqual(readdirSync(work.folder), ['agent.yaml']);
  },
);

test.serial(
  'with a spool, neither a receiver that is away nor kill -9 of the agent loses an event or its order',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using receiver = await new Receiver().listen();
    const text = `spool: { folder: ${work.path('spool')} }\n${config(
      helper,
      `  - { name: soc, type: http, url: "${receiver.url}", batch: { max_age: 20ms, max_events: 200 } }\n`,
    )}`;
    const sent = await killUnderLoad(work, text, helper, receiver, 6);
    await using agent = await start(work, text);
    await agent.until(() => receiver.seqs.includes(sent));
    t.is(await agent.end(), 0);
    const firsts = receiver.seqs.filter((seq, i, all) => all.indexOf(seq) === i);
    t.deepEqual(
      firsts,
      Array.from({ length: sent }, (_, i) => i + 1),
    );
    t.true(receiver.seqs.length - sent <= 6 * 2 * 200, `${receiver.seqs.length - sent} twice`);
    t.false(receiver.events.some(({ type }) => type === 'gap'));
    // The same bytes: nothing in these lines is escaped.
    const lines = receiver.events.map((event) => JSON.stringify(event));
    t.deepEqual(
      problemsOf(lines, () => false),
      [],
    );
    t.true(lines.some((line) => line.startsWith('{"type":"seal"') && line.includes(`"to":${sent},`)));
  },
);
