import { readFileSync } from 'node:fs';
import { formatOf } from '../../agent/formats/choice.ts';
import { hostId } from '../../agent/formats/host-id.ts';
import { hostname } from 'node:os';
import { toItem } from '../agent/support/items.ts';
import { execEvent } from '../support/fake-helper.ts';
import { gapBehind, LogsRun, type Way } from './support/logs-run.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const WAY: Way = {
  recipe: 'VictoriaLogs over the bulk API',
  seq: 'event.sequence',
  held: (rows) => new Set(rows.map((row) => Number(row['event.sequence']))),
};

/** The fields of a document as VictoriaLogs keeps them: text by dotted names, without the two that it takes for itself. */
function fieldsOf(value: unknown, name = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[name, String(value)]];
  if (Array.isArray(value)) return [[name, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, below]) => fieldsOf(below, name === '' ? key : `${name}.${key}`));
}

victoriaLogsTest(
  'VictoriaLogs over the bulk API: what is queried back is what was sent, field by field; a stop under load loses nothing',
  async (t) => {
    await using run = await LogsRun.start(WAY);
    const { helper, work } = run;
    const odd = ['a "quoted" \\ text', 'two\nlines', '\u0001 \t', 'ü ‮ 😀', 'x'.repeat(400_000)];
    const last = await run.loadWithStops(odd);
    const end = last + 10 + odd.length;
    const rows = await run.rowsAtEnd(t, end);

    t.deepEqual(run.missing(rows, end), gapBehind(last));
    const format = await formatOf('ecs', { hostId: hostId(), host: hostname(), stream: 'logs' });
    for (const [i, text] of odd.entries()) {
      const seq = last + 11 + i;
      const row = rows.find((each) => each['event.sequence'] === String(seq))!;
      const seal = Number(row['probes.seal.number']);
      const event = toItem(execEvent(seq, { command: text, argv: ['x', text] }));
      const sent = JSON.parse(format.encode(event, { bootId: helper.hello.boot_id, seal })) as Record<string, unknown>;
      for (const [name, value] of fieldsOf(sent)) {
        if (name === '@timestamp') t.is(Date.parse(row['_time']!), Date.parse(value));
        else t.is(row[name === 'process.command_line' ? '_msg' : name], value, name);
      }
    }
    // Each seal's events are there, as far as counts tell: the server keeps no lines.
    const seals = rows.filter((row) => row['event.action'] === 'seal');
    t.true(seals.length > 0);
    for (const seal of seals) {
      const number = seal['probes.seal.number'];
      const sequences = rows.filter((row) => row['probes.seal.number'] === number).map((row) => row['event.sequence']);
      t.is(
        new Set(sequences.filter((seq) => seq !== undefined)).size,
        Number(seal['probes.seal.sent']),
        `seal ${number}`,
      );
    }
    const gaps = rows.filter((row) => row['event.action'] === 'gap');
    t.deepEqual(
      [...new Set(gaps.map((row) => `${row['probes.gap.first']}+${row['probes.gap.count']}`))],
      [`${last + 1}+10`],
    );
    t.is(readFileSync(work.path('refused'), 'utf8'), '');
  },
);

victoriaLogsTest(
  'VictoriaLogs over the bulk API, killed under load: only what it acknowledged in memory is missing, and seals name it',
  async (t) => {
    await using run = await LogsRun.start(WAY);
    const load = await run.loadWithKill();
    const rows = await run.rowsAtEnd(t, load.last);
    const lost = run.lostByKill(t, rows, load);
    const held = WAY.held(rows);
    const missing = rows
      .filter((row) => row['event.action'] === 'seal')
      .reduce((sum, row) => {
        const [from, to] = [Number(row['probes.seal.from']), Number(row['probes.seal.to'])];
        return sum + Number(row['probes.seal.sent']) - [...held].filter((seq) => seq >= from && seq <= to).length;
      }, 0);
    t.is(missing, lost, 'seals count exactly what is missing');
  },
);
