import { readFileSync, writeFileSync } from 'node:fs';
import { agent as command } from '../agent/support/run.ts';
import { gapBehind, LogsRun, type Way } from './support/logs-run.ts';
import type { LogRow } from './support/victoria-logs.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const WAY: Way = {
  recipe: "VictoriaLogs over Loki's API",
  seq: 'seq',
  held: (rows) => new Set(rows.filter(({ type }) => type === 'exec').map(({ seq }) => Number(seq))),
};

const textOf = (rows: readonly LogRow[]): string => rows.map((row) => `${row['_msg']}\n`).join('');

victoriaLogsTest(
  "VictoriaLogs over Loki's API: the lines that are queried back are those that were sent; a stop under load loses nothing",
  async (t) => {
    await using run = await LogsRun.start(WAY);
    const { helper, work } = run;
    const odd = ['a "quoted" \\ text', 'two\nlines', '\u0001 \t', 'ü ‮ 😀', '\ud800', 'x'.repeat(400_000)];
    const last = await run.loadWithStops(odd, { time: TIME });
    const end = last + 10 + odd.length;
    const rows = await run.rowsAtEnd(t, end);

    t.deepEqual(run.missing(rows, end), gapBehind(last));
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
    await using run = await LogsRun.start(WAY);
    const { work } = run;
    const load = await run.loadWithKill();
    const rows = await run.rowsAtEnd(t, load.last);
    run.lostByKill(t, rows, load);
    writeFileSync(work.path('held'), textOf(rows));
    const { code, stdout } = await command('verify', work.path('held'));
    t.is(code, 9, stdout);
  },
);
