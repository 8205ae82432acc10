import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { SealEvent } from '../../agent/events/seal.ts';
import { misfit } from '../support/event-schema.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { ownPort } from '../support/own-port.ts';
import { scrape, sumOf } from '../support/metrics.ts';
import { exactProblemsOf, problemsOf } from './delivery/seal/check.ts';
import { Workplace } from './support/agent-process.ts';
import { killed, linesOf, read, start } from './support/outputs.ts';

const sealsIn = (lines: readonly string[]): SealEvent[] =>
  lines.map((line) => JSON.parse(line) as SealEvent).filter(({ type }) => type === 'seal');

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

const RULE = `title: Mark
id: 0d0c1f5e-63ce-4b0b-a3b6-2b0a8e3d5a11
logsource: { category: process_creation }
detection: { a: { CommandLine|contains: marked }, condition: a }
`;

const FILTER = (what: string): string =>
  `filters:\n  - { name: noise, detection: { tool: { Image|endswith: ${what} }, condition: tool }, action: drop }\n`;

test.serial(
  'a reload seals first: each seal names what was in force, and filters, alerts and gaps add up with the metrics',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper({ heartbeatMs: 50 }).listen();
    const listen = `127.0.0.1:${await ownPort()}`;
    mkdirSync(work.path('rules'));
    writeFileSync(work.path('rules/mark.yml'), RULE);
    const config = (what: string): string => `source: { socket: ${helper.socketPath} }
metrics: { listen: "${listen}" }
${FILTER(what)}rules: { builtin: false, folders: [${work.path('rules')}] }
outputs:
  - { name: all, type: file, path: ${work.path('all')}, identity: true }
  - { name: alerts, type: file, path: ${work.path('alerts')}, identity: true, events: alerts }
`;
    await using agent = await start(work, config('/cc1'));
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    const cc1 = { exe: '/usr/lib/cc1', filename: '/usr/lib/cc1' };
    const marked = { command: '/usr/bin/x marked', argv: ['x', 'marked'] };
    helper.send(
      execEvent(1),
      execEvent(2, cc1),
      gapEvent(3, 7),
      execEvent(8, marked),
      execEvent(9, cc1),
      execEvent(10),
    );
    await agent.until(() => read(work.path('all')).includes('"seq":10,'));
    const before = readFileSync(work.configFile);
    work.configure(config('/as'));
    agent.child.kill('SIGHUP');
    await agent.until(() => agent.countOf('ConfigReloaded') === 1);
    helper.send(execEvent(11, cc1), execEvent(12));
    await agent.until(() => read(work.path('all')).includes('"seq":12,'));
    // Rules change alone: the agent sees that by itself.
    writeFileSync(work.path('rules/mark.yml'), RULE.replace('marked', 'other'));
    await agent.until(() => agent.countOf('RulesLoaded') === 3);
    helper.send(execEvent(13, marked), execEvent(14));
    await agent.until(() => read(work.path('all')).includes('"seq":14,'));
    work.configure(`${config('/as')}# changed\n`);
    agent.child.kill('SIGHUP');
    await agent.until(() => agent.countOf('ConfigReloaded') === 2);
    await agent.until(() => sealsIn(linesOf(read(work.path('alerts')))).length === 3);
    const series = await scrape(listen);
    for (const name of ['all', 'alerts']) {
      const lines = linesOf(read(work.path(name)));
      t.deepEqual([problemsOf(lines), exactProblemsOf(lines)], [[], []]);
      for (const line of lines) t.is(misfit(JSON.parse(line) as object), undefined);
      const seals = sealsIn(lines);
      t.deepEqual(
        seals.map(({ from, to, reason, config_sha256, rules_sha256 }) => [
          from,
          to,
          reason,
          config_sha256 === sha256(before),
          rules_sha256 === seals[0]!.rules_sha256,
        ]),
        [
          [name === 'all' ? 1 : 3, 10, 'reload', true, true],
          [11, 12, 'reload', false, true],
          [13, 14, 'reload', false, false],
        ],
      );
      t.like(seals.at(-1), { kernel_count: 0, kernel_lost: 0, probe_sha256: helper.hello.probe_sha256 });
      const dropped = (intentional: string, labels = {}): number =>
        sumOf(series, 'probes_events_dropped_total', { intentional, ...labels });
      const sum = (field: 'filtered' | 'gap'): number => seals.reduce((total, seal) => total + seal[field], 0);
      t.is(sum('gap'), dropped('false', { output: name }), name);
      // The stream of alerts begins with its first line.
      const unclaimed = name === 'all' ? 0 : 2;
      t.is(sum('filtered') + unclaimed, dropped('true', { hop: 'filter' }) + dropped('true', { output: name }), name);
      t.is(sumOf(series, 'probes_output_seals_total', { output: name }), 3);
    }
    t.is(await agent.end(), 0);
  },
);

test.serial('a file goes on with its seals after kill -9, rotation and a stop, as its own lines say', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  const config = `source: { socket: ${helper.socketPath} }
${FILTER('/cc1')}outputs:
  - { name: all, type: file, path: ${work.path('all')}, identity: true, max_bytes: 200KiB, max_files: 1000 }
`;
  let sent = 0;
  for (let life = 0; life < 5; life++) {
    await using agent = await start(work, config);
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    for (let i = 0; i < (life === 3 ? 100 : 30); i++) {
      helper.send(
        ...Array.from({ length: 50 }, () =>
          execEvent(++sent, sent % 3 === 0 ? { exe: '/usr/lib/cc1', filename: '/usr/lib/cc1' } : {}),
        ),
      );
      await delay(5);
    }
    helper.hello.last_seq = sent;
    if (life === 3) {
      await agent.until(() => read(work.path('all')).includes(`"seq":${sent - (sent % 3 === 0 ? 1 : 0)},`));
      t.is(await agent.end(), 0);
    } else {
      await killed(agent);
    }
  }
  await using agent = await start(work, config);
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  await agent.until(() => read(work.path('all')).includes(`"seq":${sent % 3 === 0 ? sent - 1 : sent},`));
  t.is(await agent.end(), 0);
  const files = work.rotated('all').map(read);
  t.true(files.length > 5, 'it was rotated');
  const lines = linesOf(files.join(''));
  t.deepEqual(
    problemsOf(lines, (_, n) => n % 3 === 0),
    [],
  );
  t.deepEqual(exactProblemsOf(lines), []);
  const seals = sealsIn(lines);
  // The agent may end before it has read the last number, which a filter drops.
  t.true(seals.at(-1)!.to >= sent - 1);
  t.true(seals.some(({ reason }) => reason === 'numbers'));
});
