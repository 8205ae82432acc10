import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { formatOf } from '../../agent/formats/choice.ts';
import { hostId } from '../../agent/formats/host-id.ts';
import { hostname } from 'node:os';
import { Workplace } from '../agent/support/agent-process.ts';
import { toItem } from '../agent/support/items.ts';
import { start } from '../agent/support/outputs.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { SteadyLoad } from './support/steady-load.ts';
import { VictoriaLogs, type LogRow } from './support/victoria-logs.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const PER_SECOND = 500;
/** Otherwise it answers 200 to a longer line and drops it. */
const FLAGS = ['-insert.maxLineSizeBytes=2MB'];

/** The recipe of docs/outputs.md, with the places of a test. */
const configuration = (work: Workplace, helper: FakeHelper, { address }: VictoriaLogs): string =>
  `source: { socket: ${helper.socketPath} }\n${recipe('VictoriaLogs over the bulk API', 'yaml')}`
    .replace('127.0.0.1:9428', address)
    .replace('/var/lib/platform-probes/spool', work.path('spool'))
    .replace('/var/log/platform-probes/refused.jsonl', work.path('refused'));

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const heldIn = (rows: readonly LogRow[]): Set<number> => new Set(rows.map((row) => Number(row['event.sequence'])));

/** The fields of a document as VictoriaLogs keeps them: text by dotted names, without the two that it takes for itself. */
function fieldsOf(value: unknown, name = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[name, String(value)]];
  if (Array.isArray(value)) return [[name, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, below]) => fieldsOf(below, name === '' ? key : `${name}.${key}`));
}

victoriaLogsTest(
  'VictoriaLogs over the bulk API: what is queried back is what was sent, field by field; a stop under load loses nothing',
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
    const odd = ['a "quoted" \\ text', 'two\nlines', '\u0001 \t', 'ü ‮ 😀', 'x'.repeat(400_000)];
    helper.send(
      gapEvent(last + 1, last + 10),
      ...odd.map((text, i) => execEvent(last + 11 + i, { command: text, argv: ['x', text] })),
    );
    const end = last + 10 + odd.length;
    await server.queryUntil(`"event.sequence":=${end}`, (rows) => rows.length > 0);
    t.is(await agent.end(), 0);
    await server.stop();
    await server.start();
    const rows = await server.query('*');

    const held = heldIn(rows);
    t.deepEqual(
      upTo(end).filter((seq) => !held.has(seq)),
      upTo(10).map((i) => last + i),
    );
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
    await server.queryUntil(`"event.sequence":=${last}`, (rows) => rows.length > 0);
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
    const missing = rows
      .filter((row) => row['event.action'] === 'seal')
      .reduce((sum, row) => {
        const [from, to] = [Number(row['probes.seal.from']), Number(row['probes.seal.to'])];
        return sum + Number(row['probes.seal.sent']) - [...held].filter((seq) => seq >= from && seq <= to).length;
      }, 0);
    t.is(missing, lost.length, 'seals count exactly what is missing');
  },
);
