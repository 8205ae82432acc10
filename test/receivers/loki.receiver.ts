import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Workplace } from '../agent/support/agent-process.ts';
import { start } from '../agent/support/outputs.ts';
import { agent as command } from '../agent/support/run.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { SteadyLoad } from './support/steady-load.ts';
import { VictoriaLogs, type LogRow } from './support/victoria-logs.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const PER_SECOND = 500;
/** Otherwise it answers 204 to a longer line and drops it. */
const FLAGS = ['-insert.maxLineSizeBytes=2MB'];

/** The recipe of docs/outputs.md, with the places of a test. */
const configuration = (work: Workplace, helper: FakeHelper, { address }: VictoriaLogs): string =>
  `source: { socket: ${helper.socketPath} }\n${recipe("VictoriaLogs over Loki's API", 'yaml')}`
    .replace('127.0.0.1:9428', address)
    .replace('/var/lib/platform-probes/spool', work.path('spool'))
    .replace('/var/log/platform-probes/refused.jsonl', work.path('refused'));

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const heldIn = (rows: readonly LogRow[]): Set<number> =>
  new Set(rows.filter(({ type }) => type === 'exec').map(({ seq }) => Number(seq)));
const textOf = (rows: readonly LogRow[]): string => rows.map((row) => `${row['_msg']}\n`).join('');

victoriaLogsTest(
  "VictoriaLogs over Loki's API: the lines that are queried back are those that were sent; a stop under load loses nothing",
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
      ...odd.map((text, i) => execEvent(last + 11 + i, { command: text, argv: ['x', text], time: TIME })),
    );
    const end = last + 10 + odd.length;
    await server.queryUntil(`seq:=${end}`, (rows) => rows.length > 0);
    t.is(await agent.end(), 0);
    await server.stop();
    await server.start();
    const rows = await server.query('*');

    t.deepEqual(
      upTo(end).filter((seq) => !heldIn(rows).has(seq)),
      upTo(10).map((i) => last + i),
    );
    for (const [i, text] of odd.entries()) {
      const row = rows.find(({ seq }) => seq === String(last + 11 + i))!;
      const event = JSON.parse(row['_msg']!) as { command: string; argv: string[] };
      t.deepEqual([event.command, event.argv], [text, ['x', text]]);
      t.like(row, {
        boot_id: helper.hello.boot_id,
        stream: 'logs',
        type: 'exec',
        service_name: 'platform-probes',
        record: 'event',
        _time: TIME,
      });
    }
    t.deepEqual([...new Set(rows.map(({ type, record }) => `${type} ${record}`))].toSorted(), [
      'exec event',
      'gap event',
      'seal delivery',
    ]);
    // Whole lines: the product's own check holds them to the sums of the seals.
    writeFileSync(work.path('held'), textOf(rows));
    const { code, stdout } = await command('verify', work.path('held'));
    t.is(code, 0, stdout);
    t.is(readFileSync(work.path('refused'), 'utf8'), '');
  },
);

/** All odd events have this one: of one nanosecond and different text, both stay. */
const TIME = '2023-03-15T13:20:00.123456789Z';

victoriaLogsTest(
  "VictoriaLogs over Loki's API, killed under load: only what it acknowledged in memory is missing, and verify names it",
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
    await server.queryUntil(`seq:=${last}`, (rows) => rows.length > 0);
    t.is(await agent.end(), 0);
    await server.stop();
    await server.start();
    const rows = await server.query('*');
    const held = heldIn(rows);
    const lost = upTo(last).filter((seq) => !held.has(seq));
    t.true(lost.length > 0 && lost.length < 12 * PER_SECOND, `${lost.length} were in its memory`);
    t.true(
      lost.every((seq) => seq <= killed),
      'what came after the kill is all there',
    );
    writeFileSync(work.path('held'), textOf(rows));
    const { code, stdout } = await command('verify', work.path('held'));
    t.is(code, 9, stdout);
  },
);
