import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ServiceManager } from '../../../agent/service/service-manager.ts';
import { HELPER_SILENT_MS, type Vitals } from '../../../agent/service/vitals.ts';
import { SourceState } from '../../../agent/source/source-state.ts';
import { execEvent, FakeHelper } from '../../support/fake-helper.ts';
import { NotifySocket } from '../../support/notify-socket.ts';
import { Workplace } from '../support/agent-process.ts';
import { start, toFile } from '../support/outputs.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

/** Its timers keep no process alive; a test that waits does. */
const vitals = (silentMs = 0): Vitals => ({
  source: { isConnected: true, awayMs: 0, silentMs, received: new SourceState().received },
  deliveries: { reports: [] },
});

test('an agent as a service reports start, status, progress, reloads, wrong ones too, and stop', async (t) => {
  using manager = new NotifySocket();
  using work = new Workplace();
  await using helper = await new FakeHelper({ heartbeatMs: 1000 }).listen();
  const config = toFile(helper, work.path('e'));
  await using agent = await start(work, config, { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: '400000' });
  await manager.until(() => manager.has('READY=1'));
  t.is(manager.received[0], 'READY=1', 'nothing before it');
  helper.send(execEvent(1));
  await manager.until(() => manager.count('WATCHDOG=1') >= 3);
  await manager.until(() => manager.received.some((text) => /STATUS=connected to the helper; /.test(text)));

  for (const [i, text] of [config.replace('name: ', 'name: other-'), 'outptus: []\n'].entries()) {
    work.configure(text);
    agent.child.kill('SIGHUP');
    await manager.until(() => manager.count('READY=1') === i + 2);
    const reports = manager.received.filter((report) => /^(?:READY|RELOADING)=1/.test(report));
    const [reloading = ''] = reports.slice(-2);
    t.regex(reloading, /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    // CLOCK_MONOTONIC, as systemd compares it with its own.
    t.true(Math.abs(Number(/\d+$/.exec(reloading)?.[0]) / 1e6 - Number(process.hrtime.bigint()) / 1e9) < 60);
  }
  // Its log comes by another way than its reports.
  await agent.until(() => agent.countOf('ConfigRefused') > 0);
  t.is(agent.countOf('ConfigRefused'), 1);

  const before = manager.count('WATCHDOG=1');
  await manager.until(() => manager.count('WATCHDOG=1') > before);
  t.is(await agent.end(), 0);
  t.is(manager.received.at(-1), 'STOPPING=1');
});

test('an agent whose loop stands still reports no progress', async (t) => {
  using manager = new NotifySocket({ abstract: true });
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toFile(helper, work.path('e')), {
    NOTIFY_SOCKET: manager.address,
    WATCHDOG_USEC: '200000',
  });
  await manager.until(() => manager.count('WATCHDOG=1') >= 2);
  agent.child.kill('SIGSTOP');
  await delay(100);
  const before = manager.received.length;
  await delay(600);
  t.is(manager.received.length, before);
  agent.child.kill('SIGCONT');
  await manager.until(() => manager.received.length > before);
  await agent.end();
});

test('progress is withheld while something hinders, the log and the status say what, and comes again', async (t) => {
  using manager = new NotifySocket();
  const { telemetry, raised } = recordingTelemetry();
  let silentMs = HELPER_SILENT_MS;
  const source = { ...vitals().source };
  Object.defineProperty(source, 'silentMs', { get: () => silentMs });
  const service = new ServiceManager(telemetry, { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: '20000' });
  service.ready({ ...vitals(), source });
  await manager.until(() => manager.received.length >= 6);
  t.is(manager.count('WATCHDOG=1'), 0);
  t.regex(manager.received.at(-1) ?? '', /^STATUS=.*silent for 300 s/);
  t.deepEqual(
    raised.map(({ event, level, reasons }) => [event, level, reasons]),
    [['WatchdogWithheld', 'error', ['the helper has been silent for 300 s, though it takes connections']]],
  );
  silentMs = 0;
  await manager.until(() => manager.count('WATCHDOG=1') > 0);
  service.stopping();
  const { length } = manager.received;
  await delay(100);
  t.is(manager.received.length, length, 'it has stopped');
});

test('a watchdog that is meant for another process, or none, changes nothing: the status still comes', async (t) => {
  using manager = new NotifySocket();
  const { telemetry } = recordingTelemetry();
  const environment = { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: '2000', WATCHDOG_PID: '1' };
  const service = new ServiceManager(telemetry, environment);
  service.ready(vitals());
  await manager.until(() => manager.received.length >= 2);
  await delay(100);
  t.is(manager.received.length, 2, 'READY, and a first status; the next comes after ten seconds');
  service.stopping();
});

test('without a manager nothing is sent; with one that is not there the log says so, and the agent goes on', async (t) => {
  const { telemetry, raised } = recordingTelemetry();
  for (const environment of [{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_USEC: '1000' }]) {
    const service = new ServiceManager(telemetry, environment);
    service.ready(vitals());
    service.reloading();
    service.stopping();
  }
  t.deepEqual(raised, []);
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using agent = await start(work, toFile(helper, work.path('e')), { NOTIFY_SOCKET: work.path('nobody') });
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  t.regex(
    String(agent.events.find(({ event }) => event === 'ServiceManagerUnreachable')?.['reason']),
    /^connect: no such file/,
  );
  t.is(await agent.end(), 0);
});
