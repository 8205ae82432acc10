import { readFileSync, writeFileSync } from 'node:fs';
import { problemsOf } from '../agent/delivery/seal/check.ts';
import { linesOf } from '../agent/support/outputs.ts';
import { agent as command } from '../agent/support/run.ts';
import { execEvent } from '../support/fake-helper.ts';
import { gapBehind, LogsRun, type Way } from './support/logs-run.ts';
import type { LogRow } from './support/victoria-logs.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const WAY: Way = {
  recipe: 'VictoriaLogs over OTLP',
  seq: 'probes.seq',
  held: (rows) => new Set(rows.filter((row) => row['probes.type'] === 'exec').map((row) => Number(row['probes.seq']))),
};

victoriaLogsTest(
  'VictoriaLogs: the lines that are queried back are those that were sent, with their attributes; a stop under load loses nothing',
  async (t) => {
    await using run = await LogsRun.start(WAY);
    const { helper, work } = run;
    const odd = ['a "quoted" \\ text', 'two\nlines', '\u0001 \t', 'ü ‮ 😀', '\ud800', 'x'.repeat(400_000)];
    const last = await run.loadWithStops(odd);
    const end = last + 10 + odd.length;
    const rows = await run.rowsAtEnd(t, end);

    t.deepEqual(run.missing(rows, end), gapBehind(last));
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
    await using run = await LogsRun.start(WAY);
    const { work } = run;
    const load = await run.loadWithKill();
    const rows = await run.rowsAtEnd(t, load.last);
    run.lostByKill(t, rows, load);
    writeFileSync(work.path('held'), `${rows.map((row) => row['_msg']!).join('\n')}\n`);
    const { code, stdout } = await command('verify', work.path('held'));
    t.is(code, 9, stdout);
  },
);

victoriaLogsTest(
  'VictoriaLogs takes no OTLP in JSON: each event is refused, kept and named, none is lost silently',
  async (t) => {
    await using run = await LogsRun.start({ ...WAY, more: '    encoding: json\n' });
    const { agent, helper, server, work } = run;
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
