import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Workplace, type AgentProcess } from '../agent/support/agent-process.ts';
import { start } from '../agent/support/outputs.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { SteadyLoad } from './support/steady-load.ts';
import { VictoriaLogs } from './support/victoria-logs.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const VICTORIA_LOGS = 'docs/recipes/victorialogs.md';
const PER_SECOND = 500;

/** The flags of the page, except those that a test needs otherwise. */
const victoriaLogsFlags = (): string[] =>
  [...recipe('The server', 'sh', VICTORIA_LOGS).matchAll(/-insert\S+/gu)].map(([flag]) => flag);

/** The configuration of the page, with the places of a test. */
const toVictoriaLogs = (work: Workplace, helper: FakeHelper, { address }: VictoriaLogs): string =>
  `source: { socket: ${helper.socketPath} }\n${recipe('The agent', 'yaml', VICTORIA_LOGS)}`
    .replace('127.0.0.1:9428', address)
    .replace('/var/lib/platform-probes/spool', work.path('spool'));

const logsql = (title: string): string => recipe(title, 'logsql', VICTORIA_LOGS).trim();

/** Ends the agent, and sees to it that queries see all that the server took: its rows do not become visible in order. */
async function endAndSettle(
  t: ExecutionContext,
  agent: AgentProcess,
  server: VictoriaLogs,
  last: number,
): Promise<void> {
  await server.queryUntil(`seq:=${last}`, (rows) => rows.length > 0);
  t.is(await agent.end(), 0);
  await server.stop();
  await server.start();
  t.is((await server.query('reason:=stop')).length, 1);
}

victoriaLogsTest('VictoriaLogs: what is queried back is what was sent; a stop under load loses nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new VictoriaLogs(victoriaLogsFlags()).start();
  await using agent = await start(work, toVictoriaLogs(work, helper, server));
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const load = new SteadyLoad(helper, PER_SECOND);
  for (let i = 0; i < 3; i++) {
    await delay(1500);
    await server.stop();
    await delay(500);
    await server.start();
  }
  const last = await load.stop();
  const odd = ['a "quoted" \\ text', 'two\nlines', '\u0001 \t', 'ü ‮', 'x'.repeat(1_000_000)];
  helper.send(
    gapEvent(last + 1, last + 10),
    ...odd.map((command, i) => execEvent(last + 11 + i, { command, uid: 1000 })),
  );
  await endAndSettle(t, agent, server, last + 15);

  t.deepEqual(await server.query(logsql('Seals that lack events')), []);
  t.deepEqual(await server.query(logsql('Seals that are lost')), []);
  t.deepEqual(await server.query('type:=exec | stats count_uniq(seq) n'), [{ n: String(last + odd.length) }]);
  t.like(await server.query('type:=gap'), { length: 1, 0: { first: String(last + 1), count: '10' } } as object);
  for (const [i, command] of odd.entries()) {
    const [row] = await server.query(`seq:=${last + 11 + i}`);
    t.is(row!['_msg'], command);
    t.like(row, {
      'boot_id': helper.hello.boot_id,
      'stream': 'logs',
      'uid': '1000',
      'parent.exe': execEvent(1).parent!.exe,
    });
  }
  t.is(
    (await server.query(logsql('Programs that a user started').replace('_time:1h', '*'))).length,
    (await server.query('type:=exec uid:=1000')).length,
  );
  const [newest] = await server.query(logsql('Newest seal of each host'));
  t.true(Date.parse(newest!['newest']!) > Date.now() - 600_000);
});

victoriaLogsTest('VictoriaLogs that is killed under load: the seals name exactly what it lost', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new VictoriaLogs(victoriaLogsFlags()).start();
  await using agent = await start(work, toVictoriaLogs(work, helper, server));
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const load = new SteadyLoad(helper, PER_SECOND);
  await delay(14_000);
  await server.kill();
  await delay(500);
  await server.start();
  await delay(1500);
  const last = await load.stop();
  await endAndSettle(t, agent, server, last);

  const held = new Set((await server.query('type:=exec | fields seq')).map(({ seq }) => Number(seq)));
  const lost = Array.from({ length: last }, (_, i) => i + 1).filter((seq) => !held.has(seq));
  t.true(lost.length > 0, 'it had some of it in memory');
  t.true(lost.length < 12 * PER_SECOND, `${lost.length}`);
  const sealed = (await server.query('type:=seal')).map(({ from, to }) => [Number(from), Number(to)] as const);
  const named = (await server.query(logsql('Seals that lack events'))).reduce(
    (sum, row) => sum + Number(row['missing']),
    0,
  );
  const inSeals = lost.filter((seq) => sealed.some(([from, to]) => from <= seq && seq <= to));
  t.is(named, inSeals.length);
  // A seal can be among what is lost.
  t.is((await server.query(logsql('Seals that are lost'))).length, inSeals.length === lost.length ? 0 : 1);
});
