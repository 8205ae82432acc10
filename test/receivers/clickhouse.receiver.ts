import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ClickHouse } from '../support/clickhouse.ts';
import { execEvent, FakeHelper } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { Workplace } from '../agent/support/agent-process.ts';
import { linesOf, read, start } from '../agent/support/outputs.ts';

const PASSWORD = 'hunter2';
/** The recipe of docs/outputs.md, with the places of a test. */
function configure(work: Workplace, helper: FakeHelper, { port }: ClickHouse): string {
  writeFileSync(work.path('password'), PASSWORD);
  const outputs = recipe('ClickHouse', 'yaml')
    .replace('127.0.0.1:8123', `127.0.0.1:${port}`)
    .replace('/etc/platform-probes/clickhouse.password', work.path('password'))
    .replace('/var/log/platform-probes/refused.jsonl', work.path('refused'))
    .replace('max_age: 5s', 'max_age: 100ms');
  return `source: { socket: ${helper.socketPath} }\n${outputs}`;
}

test.serial('ClickHouse that is killed under load has every event when it is back', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new ClickHouse(PASSWORD).start();
  await server.query(recipe('ClickHouse', 'sql'));
  await using agent = await start(work, configure(work, helper, server));
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const load = async (from: number, to: number): Promise<void> => {
    for (let seq = from; seq <= to; seq += 40) {
      helper.send(...Array.from({ length: 40 }, (_, i) => execEvent(seq + i, { uid: 1000 })));
      await delay(20);
    }
  };
  await load(1, 2000);
  for (const from of [2001, 6001, 10_001]) {
    await server.kill();
    await load(from, from + 1999);
    await server.start();
    await load(from + 2000, from + 3999);
  }
  helper.send({
    type: 'gap',
    time: '2023-03-15T13:20:05Z',
    hop: 'ring',
    first: 14_001,
    last: 14_010,
    count: 10,
    cause: 'ring_full',
  });
  const stored = (): Promise<string> =>
    server.query(
      "SELECT countIf(type = 'exec'), uniqExactIf(seq, type = 'exec'), min(seq), max(seq), sum(count) FROM events FINAL",
    );
  let last = '';
  for (let i = 0; i < 300 && !last.endsWith('\t10'); i++) {
    last = await stored();
    await delay(50);
  }
  // The gap has no seq: it is 0 there.
  t.is(last, '14000\t14000\t0\t14000\t10');
  t.is(
    await server.query("SELECT DISTINCT boot_id, stream, uid, length(host_id) FROM events WHERE type = 'exec'"),
    `${helper.hello.boot_id}\tclickhouse\t1000\t32`,
  );
  // While the output still waits to try again, it does not notice that the server was back for a while.
  t.true(agent.countOf('OutputRecovered') >= 1);
  t.is(read(work.path('refused')), '');
  t.is(await agent.end(), 0);
  t.notRegex(agent.stderr, new RegExp(PASSWORD, 'u'));
});

test.serial('a row that does not fit the table is refused and named; the others arrive', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new ClickHouse(PASSWORD).start();
  await server.query(recipe('ClickHouse', 'sql'));
  await using agent = await start(work, configure(work, helper, server));
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  helper.send(
    execEvent(1),
    execEvent(2),
    { type: 'later', seq: 3, pid: 'not a number' },
    ...[4, 5, 6].map((seq) => execEvent(seq)),
  );
  let rows = '';
  for (let i = 0; i < 300 && rows.split('\n').length < 6; i++) {
    rows = await server.query('SELECT type, seq, first, last, cause FROM events FINAL ORDER BY seq + first');
    await delay(50);
  }
  t.deepEqual(rows.split('\n'), [
    'exec\t1\t0\t0\t',
    'exec\t2\t0\t0\t',
    'gap\t0\t3\t3\trejected',
    'exec\t4\t0\t0\t',
    'exec\t5\t0\t0\t',
    'exec\t6\t0\t0\t',
  ]);
  const letters = linesOf(readFileSync(work.path('refused'), 'utf8')).map(
    (line) => JSON.parse(line) as { reason: string; reply: string; event: { seq: number } },
  );
  t.is(letters.length, 1);
  t.is(letters[0]!.event.seq, 3);
  t.regex(letters[0]!.reply, /Cannot parse|Cannot read/u);
  t.is(await agent.end(), 0);
});

test.serial('a wrong password and a table that is missing lose nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new ClickHouse(PASSWORD).start();
  const config = configure(work, helper, server);
  writeFileSync(work.path('password'), 'wrong');
  await using agent = await start(work, config);
  helper.send(execEvent(1), execEvent(2));
  const failed = (reason: RegExp): boolean =>
    agent.events.some(({ event, reason: text }) => event === 'OutputFailed' && reason.test(String(text)));
  await agent.until(() => failed(/^status 401/u));
  writeFileSync(work.path('password'), PASSWORD);
  await agent.until(() => failed(/^status 404 \(Not Found\)/u));
  await server.query(recipe('ClickHouse', 'sql'));
  let rows = '';
  for (let i = 0; i < 600 && rows !== '2'; i++) {
    rows = await server.query('SELECT count() FROM events FINAL');
    await delay(50);
  }
  t.is(rows, '2');
});
