import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { problemsOf } from '../agent/delivery/seal/check.ts';
import { Workplace, type AgentProcess } from '../agent/support/agent-process.ts';
import { linesOf, start } from '../agent/support/outputs.ts';
import { agent as command } from '../agent/support/run.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { SteadyLoad } from './support/steady-load.ts';
import { VictoriaLogs, type LogRow } from './support/victoria-logs.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const PER_SECOND = 500;
/** Otherwise it answers 200 to a longer line and drops it. */
const FLAGS = ['-insert.maxLineSizeBytes=2MB'];

/** The recipe of docs/outputs.md, with the places of a test. */
const configuration = (work: Workplace, helper: FakeHelper, { address }: VictoriaLogs, more = ''): string =>
  `source: { socket: ${helper.socketPath} }\n${recipe('VictoriaLogs over OTLP', 'yaml')}${more}`
    .replace('127.0.0.1:9428', address)
    .replace('/var/lib/platform-probes/spool', work.path('spool'))
    .replace('/var/log/platform-probes/refused.jsonl', work.path('refused'));

/** Ends the agent, and sees to it that queries see all that the server took: its rows do not become visible in order. */
async function rowsAtEnd(
  t: ExecutionContext,
  agent: AgentProcess,
  server: VictoriaLogs,
  last: number,
): Promise<LogRow[]> {
  await server.queryUntil(`"probes.seq":=${last}`, (rows) => rows.length > 0);
  t.is(await agent.end(), 0);
  await server.stop();
  await server.start();
  return server.query('*');
}

/** The numbers of the events in the bodies. */
const heldIn = (rows: readonly LogRow[]): Set<number> =>
  new Set(rows.filter((row) => row['probes.type'] === 'exec').map((row) => Number(row['probes.seq'])));

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

victoriaLogsTest(
  'VictoriaLogs: the lines that are queried back are those that were sent, with their attributes; a stop under load loses nothing',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using server = await new VictoriaLogs(FLAGS).start();
    await using agent = await start(work, configuration(work, helper, server));
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    const load = new SteadyLoad(helper, PER_SECOND);
    for (let i = 0; i < 3; i++) {
      await delay(1500);
      await server.stop();
      await delay(500);
      await server.start();
    }
    const last = await load.stop();
    const odd = ['a "quoted" \\ text', 'two\nlines', '\u0001 \t', 'ü ‮ 😀', '\ud800', 'x'.repeat(400_000)];
    helper.send(
      gapEvent(last + 1, last + 10),
      ...odd.map((text, i) => execEvent(last + 11 + i, { command: text, argv: ['x', text] })),
    );
    const end = last + 10 + odd.length;
    const rows = await rowsAtEnd(t, agent, server, end);

    t.deepEqual(
      upTo(end).filter((seq) => !heldIn(rows).has(seq)),
      upTo(10).map((i) => last + i),
    );
    // Whole lines: the sums of the seals hold, and the product's own check says so too.
    const lines = rows.map((row) => row['_msg']!);
    const inOrder = lines.toSorted((a, b) => sealOf(a) - sealOf(b));
    t.deepEqual(
      problemsOf(inOrder, () => false),
      [],
    );
    writeFileSync(work.path('held'), `${lines.join('\n')}\n`);
    t.is((await command('verify', work.path('held'))).code, 0);
    for (const [i, text] of odd.entries()) {
      const row = rows.find((each) => each['probes.seq'] === String(last + 11 + i))!;
      const event = JSON.parse(row['_msg']!) as { command: string; argv: string[] };
      t.deepEqual([event.command, event.argv], [text, ['x', text]]);
      t.deepEqual(argsIn(row), text.length > 32_768 ? undefined : ['x', text.toWellFormed()]);
      t.like(row, {
        'probes.boot_id': helper.hello.boot_id,
        'probes.stream': 'logs',
        'process.executable.path': execEvent(1).exe,
        'service.name': 'platform-probes',
      });
      t.is(row['log.record.uid'], `${helper.hello.boot_id}:${last + 11 + i}:logs:${sealOf(row['_msg']!)}`);
      t.is(new Date(row['_time']!).getTime(), new Date(execEvent(last + 11 + i).time).getTime());
    }
    const gaps = rows.filter((row) => row['probes.type'] === 'gap');
    t.deepEqual(
      [...new Set(gaps.map((row) => `${row['probes.gap.first']}+${row['probes.gap.count']}`))],
      [`${last + 1}+10`],
    );
    t.is(readFileSync(work.path('refused'), 'utf8'), '');
  },
);

/** A list, in the form in which this version stores it. */
const argsIn = ({ 'process.command_args': list }: LogRow): unknown =>
  list === undefined ? undefined : (JSON.parse(list) as { StringValue: string }[]).map(({ StringValue: text }) => text);

const sealOf = (line: string): number => (JSON.parse(line) as { seal: number }).seal;

victoriaLogsTest(
  'VictoriaLogs that is killed under load: only what it acknowledged in memory is missing, and verify names it',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using server = await new VictoriaLogs(FLAGS).start();
    await using agent = await start(work, configuration(work, helper, server));
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    const load = new SteadyLoad(helper, PER_SECOND);
    await delay(14_000);
    await server.kill();
    const killed = load.last;
    await delay(500);
    await server.start();
    await delay(1500);
    const last = await load.stop();
    const rows = await rowsAtEnd(t, agent, server, last);
    const held = heldIn(rows);
    const lost = upTo(last).filter((seq) => !held.has(seq));
    t.true(lost.length > 0 && lost.length < 12 * PER_SECOND, `${lost.length} were in its memory`);
    t.true(
      lost.every((seq) => seq <= killed),
      'what came after the kill is all there',
    );
    writeFileSync(work.path('held'), `${rows.map((row) => row['_msg']!).join('\n')}\n`);
    const { code, stdout } = await command('verify', work.path('held'));
    t.is(code, 9, stdout);
  },
);

victoriaLogsTest(
  'VictoriaLogs takes no OTLP in JSON: each event is refused, kept and named, none is lost silently',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using server = await new VictoriaLogs(FLAGS).start();
    await using agent = await start(work, configuration(work, helper, server, '    encoding: json\n'));
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    helper.send(execEvent(1), execEvent(2));
    await agent.until(() => agent.countOf('EventsRefused') > 0);
    await agent.end();
    const letters = linesOf(readFileSync(work.path('refused'), 'utf8')).map(
      (line) => JSON.parse(line) as { event: { seq?: number } },
    );
    t.true([1, 2].every((seq) => letters.some(({ event }) => event.seq === seq)));
    t.deepEqual(await server.query('*'), []);
  },
);
