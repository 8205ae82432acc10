import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Deliveries } from '../../../agent/delivery/deliveries.ts';
import { Log } from '../../../agent/delivery/log/log.ts';
import { OpenError } from '../../../agent/delivery/open-error.ts';
import type { SpoolConfig } from '../../../agent/delivery/spool/config.ts';
import type { OutputConfig } from '../../../agent/outputs/kinds.ts';
import { recordingTelemetry } from '../support/telemetry.ts';
import { gap } from '../support/items.ts';
import { events, TemporaryFolder, until } from './spool/support.ts';
import { Gate } from './support.ts';

const NUMBERING = { bootId: 'boot', firstSeq: 1, lastSeq: 9e9 };
const NOW = (): Promise<void> => Promise.resolve();

/** Deliveries whose outputs are gates; those whose name begins with "net" use the spool. */
function make() {
  const { telemetry, raised } = recordingTelemetry();
  const log = new Log();
  const gates = new Map<string, Gate>();
  const kinds = {
    createOutput: async ({ name }: OutputConfig) => {
      const gate = new Gate();
      gates.set(name, gate);
      return gate;
    },
    isSpooled: ({ name }: OutputConfig) => name.startsWith('net'),
    isSealed: () => false,
  };
  return { deliveries: new Deliveries(log, telemetry, () => undefined, kinds), log, gates, raised };
}

const output = (name: string, max_queue_bytes = 1024 * 1024): OutputConfig =>
  ({ type: 'file', name, path: `/${name}`, events: 'all', max_queue_bytes }) as OutputConfig;
const spoolIn = (folder: string): SpoolConfig => ({
  folder,
  max_bytes: 1024 ** 3,
  when_full: 'drop_oldest',
  sync: 1000,
  reserve: 0,
});

test('outputs of the kind use the spool when there is one; others do not, and without such an output it is not opened', async (t) => {
  using folder = new TemporaryFolder();
  const { deliveries, log, gates } = make();
  const spool = spoolIn(folder.spool);
  await deliveries.change({ outputs: [output('local')], spool }, NOW);
  t.false(existsSync(folder.spool));
  await deliveries.change({ outputs: [output('local'), output('net')], spool }, NOW);
  log.begin(NUMBERING);
  log.append(events(1, 2), 2);
  await until(() => [...gates.values()].every(({ taken }) => taken.length === 2));
  t.is(await deliveries.close(NOW()), 0);
  t.true(existsSync(join(folder.spool, 'net.cursor')));
  t.false(existsSync(join(folder.spool, 'local.cursor')));
});

test('what an output with a spool has not delivered at the end is not lost, and not reported as lost', async (t) => {
  using folder = new TemporaryFolder();
  const spool = spoolIn(folder.spool);
  const first = make();
  await first.deliveries.change({ outputs: [output('net')], spool }, NOW);
  first.log.begin(NUMBERING);
  first.gates.get('net')!.hold();
  first.log.append(events(1, 3), 3);
  t.is(await first.deliveries.close(NOW()), 0);
  t.false(first.raised.some(({ event }) => event === 'ShutdownTimedOut'));
  const second = make();
  await second.deliveries.change({ outputs: [output('net')], spool }, NOW);
  t.is(second.log.begin(NUMBERING), 4);
  await until(() => second.gates.get('net')!.summary === '1 2 3');
  await second.deliveries.close(NOW());
});

test('a reload: a changed output goes on where it was, one that left is forgotten, a spool that came is used', async (t) => {
  using folder = new TemporaryFolder();
  const spool = spoolIn(folder.spool);
  const { deliveries, log, gates } = make();
  log.begin(NUMBERING);
  await deliveries.change({ outputs: [output('net')] }, NOW);
  await deliveries.change({ outputs: [output('net'), output('net2')], spool }, NOW);
  const before = gates.get('net')!;
  gates.get('net2')!.hold();
  before.outcomes.push(...Array.from({ length: 9999 }, () => new Error('away')));
  log.append(events(1, 3), 3);
  await until(() => before.begun.length > 0);
  await deliveries.change({ outputs: [output('net', 65_536)], spool }, NOW);
  await until(() => gates.get('net')!.summary === '1 2 3');
  t.is(before.taken.length, 0);
  t.false(existsSync(join(folder.spool, 'net2.cursor')));
  await deliveries.change({ outputs: [output('local')], spool }, NOW);
  await deliveries.close(NOW());
});

for (const to of ['memory', 'a spool'])
  test(`a reload whose old output ran out of time: the new one, which reads from ${to}, names what the old one left`, async (t) => {
    using folder = new TemporaryFolder();
    const { deliveries, log, gates, raised } = make();
    log.begin(NUMBERING);
    await deliveries.change({ outputs: [output('net')] }, NOW);
    const before = gates.get('net')!;
    log.append(events(1, 2), 2);
    await until(() => before.taken.length === 2);
    before.hold();
    // One batch is on its way, the rest waits.
    log.append(events(3, 3), 5);
    await until(() => before.begun.length === 2);
    log.append([...events(6, 2), gap(8, 10)], 10);
    const spool = to === 'memory' ? {} : { spool: spoolIn(folder.spool) };
    await deliveries.change({ outputs: [output('net', 65_536)], ...spool }, NOW);
    const after = gates.get('net')!;
    t.not(after, before);
    log.append(events(11, 1), 11);
    await until(() => after.taken.length === 3);
    before.release();
    t.is(after.summary, '[3-5 output shutdown_timeout] [6-10 output shutdown_timeout] 11');
    t.is(raised.filter(({ event }) => event === 'ShutdownTimedOut').length, 1);
    await deliveries.close(NOW());
  });

test('a spool that cannot be used, or that changes while the agent runs, is refused, and all stays as it was', async (t) => {
  using folder = new TemporaryFolder();
  const { deliveries, log, gates } = make();
  const other = make();
  const spool = spoolIn(folder.spool);
  await deliveries.change({ outputs: [output('net')], spool }, NOW);
  const error = await t.throwsAsync(other.deliveries.change({ outputs: [output('net')], spool }, NOW), {
    instanceOf: OpenError,
  });
  t.deepEqual(error?.reasons, [`spool ${folder.spool}: another agent uses it; two agents need two folders`]);
  await t.throwsAsync(deliveries.change({ outputs: [output('net')], spool: { ...spool, reserve: 1 } }, NOW), {
    message: /restart/,
  });
  log.begin(NUMBERING);
  log.append(events(1, 1), 1);
  await until(() => gates.get('net')!.taken.length === 1);
  await deliveries.close(NOW());
  await other.deliveries.close(NOW());
});
