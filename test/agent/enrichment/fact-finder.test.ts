import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { DetectionCounters } from '../../../agent/detection/counters.ts';
import { Detection } from '../../../agent/detection/detection.ts';
import { Judge } from '../../../agent/detection/judge.ts';
import { Log } from '../../../agent/delivery/log/log.ts';
import { FactSelection } from '../../../agent/delivery/enriched-line.ts';
import { Enrichment } from '../../../agent/enrichment/enrichment.ts';
import { FactCounters, FactFinder, type FactFinderOptions } from '../../../agent/enrichment/fact-finder.ts';
import { MAX_ANCESTORS_TEXT } from '../../../agent/enrichment/limits.ts';
import { FACT_NAMES, type FactName } from '../../../agent/events/facts.ts';
import { Item, itemOf, type StreamEvent } from '../../../agent/events/item.ts';
import { EXEC_FAILED_EXAMPLE, type ExecEvent } from '../../../shared/events/exec.ts';
import { EXIT_EXAMPLE } from '../../../shared/events/exit.ts';
import { FORK_EXAMPLE } from '../../../shared/events/fork.ts';
import { filtersOf } from '../../../agent/rules/filter.ts';
import { Suppressor } from '../../../agent/rules/suppress.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { requiring } from '../../support/requirements.ts';
import { agentCommand } from '../support/agent-process.ts';
import { takeBatch } from '../delivery/take-batch.ts';
import { load, ruleText } from '../rules/support.ts';
import { recordingTelemetry } from '../support/telemetry.ts';
import { HangingDisk, hangingDisk } from './hashing/hanging-disk.ts';

type Line = Record<string, unknown>;

const BOOT = 'boot';
const COMMAND = agentCommand('hash-images') as [string, ...string[]];

function finderOf(t: ExecutionContext, more: Partial<FactFinderOptions> = {}) {
  const enrichment = new Enrichment({ live: true });
  enrichment.begin(BOOT);
  const counters = new FactCounters();
  const failures: unknown[] = [];
  const finder = new FactFinder({
    enrichment,
    counters,
    redact: { commandLine: (text) => text, value: (text) => text },
    onFailure: (error) => failures.push(error),
    onHashingFailed: () => undefined,
    ...more,
    hashing: { command: COMMAND, ...more.hashing },
  });
  t.teardown(() => finder.close());
  const lineOf = (event: object, names: readonly FactName[] = FACT_NAMES): Line => {
    const item = finder.addTo(itemOf(event as StreamEvent), event as ExecEvent);
    return JSON.parse(new FactSelection(names).addTo(item, item.facts).line) as Line;
  };
  return { finder, enrichment, counters, failures, lineOf };
}

test('nobody asks: nothing is parsed, and the items are the same', (t) => {
  const { telemetry } = recordingTelemetry();
  const detection = new Detection(telemetry);
  t.teardown(() => detection.close());
  const memory = Buffer.from('this cannot be parsed\n');
  const batch = [new Item(memory, 0, memory.length, 1, 1)];
  t.is(detection.stage(batch), batch);
  t.is(detection.counters.facts.events, 0);
});

test('a failed exec has the facts of the process that tried, and no hash; an exit and a gap have none', async (t) => {
  const { finder, lineOf, counters } = finderOf(t);
  await finder.adopt(['user', 'entity_id', 'hashes'], 1e9);
  const failed = lineOf({ ...EXEC_FAILED_EXAMPLE, uid: 0, euid: 0 });
  t.like(failed, { user: { name: 'root' }, entity_id: `${BOOT}/12346/7302000007` });
  t.false('hashes' in failed);
  t.is(counters.hashes.size, 0);
});

test('names that are not known are left out, never wrong', async (t) => {
  const { finder, lineOf } = finderOf(t);
  await finder.adopt(['user', 'group'], 1e9);
  const nobody = 3_999_999_999;
  const user = (more: object): unknown => lineOf(execEvent(1, more), ['user'])['user'];
  t.deepEqual(user({ uid: 0, euid: 0 }), { name: 'root' });
  t.deepEqual(user({ uid: nobody, euid: 0 }), { effective: { name: 'root' } });
  t.deepEqual(user({ uid: 0, euid: nobody }), { name: 'root' });
  t.is(user({ uid: nobody, euid: nobody }), undefined);
  t.is(user({ uid: undefined, euid: undefined }), undefined);
  t.deepEqual(lineOf(execEvent(1, { gid: 0, egid: 0 }), ['group'])['group'], { name: 'root' });
});

test('ancestors have a bound: the farthest are left out', async (t) => {
  const { finder, enrichment, lineOf } = finderOf(t);
  await finder.adopt(['ancestors'], 1e9);
  const parentOf = (pid: number) => ({ pid, start_time: pid });
  for (let pid = 30; pid >= 20; pid--)
    enrichment.tree.see(
      execEvent(1, { pid, start_time: pid, argv: [`${pid}`.repeat(2000)], exe: '/x', parent: parentOf(pid - 1) }),
    );
  const { ancestors } = lineOf(execEvent(2, { pid: 99, start_time: 99, parent: parentOf(30) }));
  const found = ancestors as { pid: number }[];
  t.true(JSON.stringify(found).length <= MAX_ANCESTORS_TEXT);
  t.deepEqual(
    found.map(({ pid }) => pid),
    [30, 29, 28, 27, 26, 25, 24, 23],
  );
});

test('a defect costs an event its facts and nothing else, and is told of', async (t) => {
  const { finder, enrichment, lineOf, counters, failures } = finderOf(t, {
    redact: {
      commandLine: () => {
        throw new Error('defect');
      },
      value: (text) => text,
    },
  });
  await finder.adopt(['parent', 'entity_id'], 1e9);
  const parent = { pid: 20, start_time: 20 };
  enrichment.tree.see(execEvent(1, parent));
  const event = execEvent(2, { parent });
  t.deepEqual(lineOf(event), event as unknown as Line);
  t.is(counters.failed, 1);
  t.is((failures[0] as Error).message, 'defect');
});

test('an alert has its ancestors, its entity id and its container once; what a filter drops is looked up for nobody', async (t) => {
  const { finder, enrichment, counters } = finderOf(t);
  await finder.adopt(['user', 'parent', 'ancestors', 'entity_id', 'container'], 1e9);
  const cgroup = `/docker/${'a'.repeat(64)}`;
  const set = load(ruleText('s: {Image: /alert}\ncondition: s'));
  const judge = new Judge({
    filters: filtersOf([{ detection: { s: { Image: '/dropped' }, condition: 's' }, action: 'drop' }], 'test').filters,
    rules: { set, suppressions: new Map() },
    platform: 'linux',
    enrichment,
    facts: finder,
    counters: new DetectionCounters(),
    suppressor: new Suppressor(),
    onFailure: (error) => t.fail(String(error)),
    onOverBudget: () => t.fail(),
  });
  const parent = { pid: 20, start_time: 20, exe: '/dropped' };
  const items = judge.judge([
    itemOf(execEvent(1, { ...parent, argv: ['sh', '-c', 'x'], parent: { pid: 1 } })),
    itemOf(execEvent(2, { exe: '/alert', uid: 0, euid: 0, parent, cgroup })),
    itemOf(execEvent(3, { exe: '/other', uid: 0, euid: 0, parent, cgroup })),
  ]);
  t.is(counters.events, 2);
  const selection = new FactSelection(FACT_NAMES);
  const [alert, other] = items.map((item) => selection.addTo(item, item.facts).line);
  for (const line of [alert!, other!])
    for (const key of ['"ancestors":', '"container":', '"user":']) t.is(line.split(key).length, 2, `${key} ${line}`);
  t.deepEqual(Object.keys(JSON.parse(alert!) as Line).slice(-5), [
    'entity_id',
    'ancestors',
    'container',
    'rules',
    'user',
  ]);
  // A parent that a filter dropped is known all the same.
  for (const line of [alert!, other!]) t.like(JSON.parse(line), { parent: { ...parent, command_line: 'sh -c x' } });
});

/** No process of this machine has such an id: nothing about them is read from /proc. */
const [SHELL, FORKED] = [9_000_010, 9_000_020];

test('ancestors go through processes that executed nothing: without rules, with a filter, and after a restart', async (t) => {
  const shell = { pid: SHELL, start_time: 10, exe: '/bin/bash' };
  const fork = {
    ...FORK_EXAMPLE,
    seq: 2,
    pid: FORKED,
    start_time: 20,
    ppid: SHELL,
    parent: { pid: SHELL, start_time: 10 },
  };
  const before = [itemOf(execEvent(1, { ...shell, argv: ['bash'], parent: { pid: 1 } })), itemOf(fork)];
  const exec = itemOf(
    execEvent(3, { pid: 30, start_time: 30, exe: '/bin/ls', parent: { pid: FORKED, start_time: 20 } }),
  );
  const ancestorsIn = (items: readonly Item[]): (readonly [number, unknown])[] => {
    const item = items.at(-1)!;
    const line = JSON.parse(new FactSelection(['ancestors']).addTo(item, item.facts).line) as Line;
    return (line['ancestors'] as { pid: number; exe?: string }[]).map(({ pid, exe }) => [pid, exe] as const);
  };
  const noise = { detection: { s: { Image: '/noise' }, condition: 's' }, action: 'drop' };
  for (const filters of [[], filtersOf([noise], 'test').filters])
    for (const isReplay of [false, true]) {
      const detection = new Detection(recordingTelemetry().telemetry);
      t.teardown(() => detection.close());
      detection.adopt(detection.prepare({ filters }));
      await detection.facts.adopt(['ancestors'], 1e9);
      if (isReplay) for (const item of before) detection.learn(item);
      const found = ancestorsIn(detection.stage(isReplay ? [exec] : [...before, exec]));
      const known = [
        [FORKED, FORK_EXAMPLE.exe],
        [SHELL, '/bin/bash'],
      ] as const;
      t.deepEqual(found.slice(0, 2), known, `${filters.length} filters, a replay: ${isReplay}`);
      // An end is learnt too: a pid alone means no process that has ended.
      const end = itemOf({ ...EXIT_EXAMPLE, seq: 4, pid: FORKED, start_time: 20 });
      const other = itemOf(execEvent(5, { pid: 40, start_time: 40, exe: '/bin/x', parent: { pid: FORKED } }));
      t.deepEqual(ancestorsIn(detection.stage([end, other])), [[FORKED, undefined]]);
    }
});

test('a container has the name and the image that its engine said, without the secrets in them', async (t) => {
  const id = 'a'.repeat(64);
  const names = { name: 'secret-web', image: 'registry.example/secret/web:1' };
  const { finder, lineOf } = finderOf(t, {
    enrichment: new Enrichment({
      live: true,
      containerNames: { of: (container) => (container.id === id ? names : undefined) },
    }),
    redact: { commandLine: (text) => text, value: (text) => text.replace('secret', '[redacted]') },
  });
  await finder.adopt(['container', 'user'], 1e9);
  const event = execEvent(1, { cgroup: `/docker/${id}` });
  const container = { id, runtime: 'docker', name: '[redacted]-web', image: 'registry.example/[redacted]/web:1' };
  t.like(lineOf(event), { container, redacted: true });
  t.false('redacted' in lineOf(event, ['user']), 'for outputs that write it alone');
  const unknown = lineOf(execEvent(2, { cgroup: `/docker/${'b'.repeat(64)}` }));
  t.deepEqual(unknown['container'], { id: 'b'.repeat(64), runtime: 'docker' });
  t.false('container' in lineOf(execEvent(3, { cgroup: '/user.slice' })));
});

test('an event that takes too long to judge has its facts', async (t) => {
  const { finder, enrichment } = finderOf(t);
  await finder.adopt(['entity_id'], 1e9);
  const counters = new DetectionCounters();
  const judge = new Judge({
    filters: [],
    rules: { set: load(ruleText("s: {CommandLine|re: '(a*)*b'}\ncondition: s")), suppressions: new Map() },
    platform: 'linux',
    enrichment,
    facts: finder,
    counters,
    suppressor: new Suppressor(),
    onFailure: (error) => t.fail(String(error)),
    onOverBudget: () => undefined,
    maxSteps: 10,
  });
  const [item] = judge.judge([itemOf(execEvent(1, { argv: ['a'.repeat(1000)], pid: 5, start_time: 6 }))]);
  t.is(counters.unjudged, 1);
  t.like(JSON.parse(new FactSelection(['entity_id']).addTo(item!, item!.facts).line), { entity_id: `${BOOT}/5/6` });
});

test('a hash that rules have just found is not looked for again', async (t) => {
  const { finder, enrichment, counters, lineOf } = finderOf(t, { hashing: { command: ['/bin/false'] } });
  await finder.adopt(['hashes'], 1e9);
  const event = execEvent(1, { exe: '/usr/bin/env', time: new Date().toISOString() });
  const digests = enrichment.lookups(new Set(['digests'])).digests!(event)!;
  t.deepEqual(lineOf(event)['hashes'], { sha256: digests.sha256 });
  t.deepEqual(Object.fromEntries(counters.hashes), { found: 1 });
});

requiring(hangingDisk)(
  'a disk that hangs holds up no event and no output: the hash is late, then its process is killed',
  async (t) => {
    using disk = new HangingDisk();
    const enrichment = new Enrichment({ live: true });
    // A stand-in: nothing says that this file system can hang, as nothing does of a local disk that fails.
    Object.assign(enrichment, { localFiles: { has: () => true } });
    const told: string[] = [];
    const { finder, counters } = finderOf(t, {
      enrichment,
      hashing: { silentMs: 4000, restartMs: 1 },
      onHashingFailed: (reason) => told.push(reason),
    });
    await finder.adopt(['hashes'], 1e9);
    const time = (): string => new Date().toISOString();
    const log = new Log();
    const cursorOptions = {
      maxLagBytes: 1e9,
      alertsOnly: false,
      position: undefined,
      onMoved: () => undefined,
      onOvertaken: () => undefined,
      onResumed: () => undefined,
      onPositionUnknown: () => undefined,
    };
    const [other, hashes] = [log.open(cursorOptions), log.open({ ...cursorOptions, awaitsHashes: true })];
    const append = (event: ExecEvent): void => {
      log.append([finder.addTo(itemOf(event), event)]);
      finder.flush();
    };
    append(execEvent(1, { exe: `${disk.folder}/program`, time: time() }));
    append(execEvent(2, { exe: '/usr/bin/env', time: time() }));
    const limits = { bytes: 1e6, records: 10, ageMs: 0 };
    t.is(other.prepare(), undefined);
    t.is(takeBatch(other, undefined, limits)!.records, 2);
    for (let wait = hashes.prepare(); wait !== undefined; wait = hashes.prepare()) await wait;
    t.deepEqual(Object.fromEntries(counters.hashes), { late: 2 });
    t.is(takeBatch(hashes, undefined, limits, undefined, new FactSelection(['hashes']))!.records, 2);
    while (told.length === 0) await delay(20);
    t.regex(told[0]!, /killed/);
    // Another process hashes again, once it runs; the first questions start it.
    let line: Line = {};
    while (!('hashes' in line)) {
      const event = execEvent(3, { exe: '/usr/bin/env', time: time() });
      const item = finder.addTo(itemOf(event), event);
      finder.flush();
      await item.facts?.pending?.over;
      line = JSON.parse(new FactSelection(['hashes']).addTo(item, item.facts).line) as Line;
    }
    t.deepEqual(line['hashes'], {
      sha256: execFileSync('sha256sum', ['/usr/bin/env'], { encoding: 'utf8' }).slice(0, 64),
    });
  },
);

requiring(hangingDisk)('a file system that can hang is not touched at all', async (t) => {
  using disk = new HangingDisk();
  const { finder, counters, lineOf } = finderOf(t);
  await finder.adopt(['hashes', 'entity_id'], 1e9);
  t.false('hashes' in lineOf(execEvent(1, { exe: `${disk.folder}/program`, time: new Date().toISOString() })));
  t.deepEqual(Object.fromEntries(counters.hashes), { remote: 1 });
});
