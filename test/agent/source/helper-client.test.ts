import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { PRODUCT_TRUST } from '../../../agent/source/connect.ts';
import { execEvent, FakeHelper } from '../../support/fake-helper.ts';
import { summary } from '../support/items.ts';
import type { Item } from '../../../agent/events/item.ts';
import { HelperClient, type HelperClientOptions } from '../../../agent/source/helper-client.ts';
import { ReplayFilter } from '../../../agent/source/replay-filter.ts';
import { withServer } from '../support/server.ts';
import { SourceState } from '../../../agent/source/source-state.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

/** A client of a socket that this user owns. It gives no place and takes nothing, unless the options say so. */
function clientOf(socketPath: string, options: Partial<HelperClientOptions> = {}): HelperClient {
  return new HelperClient({
    socketPath,
    trust: { ...PRODUCT_TRUST, ownerUid: process.getuid!() },
    filter: new ReplayFilter(),
    telemetry: recordingTelemetry().telemetry,
    onNumbering: () => undefined,
    onItems: () => undefined,
    ...options,
  });
}

test('a helper that is stopped takes connections and says nothing: the log says so, and for how long', async (t) => {
  let connections = 0;
  await withServer(
    () => connections++,
    async (socketPath) => {
      let now = 0;
      const { telemetry, raised } = recordingTelemetry(() => now);
      const client = clientOf(socketPath, {
        telemetry,
        helloTimeoutMs: 30,
      });
      client.start();
      while (telemetry.countOf('HelperSilent') < 3) await delay(5);
      // A minute later it is said again.
      now = 60_000;
      while (raised.length < 2) await delay(5);
      client.stop();
      t.true(connections >= 4);
      for (const { event, level, seconds } of raised)
        t.deepEqual([event, level, typeof seconds], ['HelperSilent', 'error', 'number']);
      t.true((raised[1]!['repeated'] as number) >= 2);
    },
  );
});

test('silence lasts over connections until a heartbeat, and ends when nobody serves the socket: then the helper is gone', async (t) => {
  const state = new SourceState();
  const { telemetry } = recordingTelemetry();
  const impatient = (socketPath: string): HelperClient =>
    clientOf(socketPath, { state, telemetry, helloTimeoutMs: 30 });
  await withServer(
    () => undefined,
    async (socketPath) => {
      const client = impatient(socketPath);
      client.start();
      while (telemetry.countOf('HelperSilent') < 2) await delay(5);
      const before = state.silentMs;
      t.true(before > 0);
      while (telemetry.countOf('HelperSilent') < 4) await delay(5);
      t.true(state.silentMs > before, 'since it began');
      client.stop();
    },
  );
  t.true(state.silent);
  const gone = impatient('/run/platform-probes-nowhere/events.sock');
  gone.start();
  while (state.silent) await delay(5);
  gone.stop();
  t.is(state.silentMs, 0);

  state.fellSilent();
  await using helper = await new FakeHelper({ heartbeatMs: 20 }).listen();
  const back = impatient(helper.socketPath);
  back.start();
  while (state.silent) await delay(5);
  back.stop();
  t.is(telemetry.countOf('HelperConnected'), 1);
});

test('events that arrive together with the hello of another boot are taken, behind the gap of the boot before', async (t) => {
  await using helper = await new FakeHelper({ hello: { last_seq: 5 } }).listen();
  const taken: string[] = [];
  const client = clientOf(helper.socketPath, {
    onNumbering: ({ bootId }) => void taken.push(bootId),
    onItems: (items: readonly Item[]) => void taken.push(summary(items)),
  });
  helper.hello.boot_id = 'before';
  helper.backlog = [JSON.stringify(execEvent(1))];
  client.start();
  while (taken.length < 2) await delay(5);
  helper.hello.boot_id = 'after';
  // One write, and so one read.
  helper.firstLine = [helper.hello, execEvent(1), execEvent(2)].map((event) => JSON.stringify(event)).join('\n');
  helper.backlog = [];
  helper.disconnectAll();
  while (taken.length < 4) await delay(5);
  await delay(50);
  client.stop();
  t.deepEqual(taken, ['before', '1', '[2-5 pipe boot_changed]', 'after', '1 2']);
});

test('a client that is asked to wait hears nothing, and does not take the helper for silent', async (t) => {
  await using helper = await new FakeHelper({ hello: { heartbeat_seconds: 0, last_seq: 2 }, heartbeatMs: 20 }).listen();
  helper.backlog.push(JSON.stringify(execEvent(1)));
  const { telemetry } = recordingTelemetry();
  const room = Promise.withResolvers<void>();
  const got: number[] = [];
  const client = clientOf(helper.socketPath, {
    telemetry,
    onItems: (items) => {
      got.push(...items.map(({ first }) => first));
      return got.length === 1 ? room.promise : undefined;
    },
  });
  client.start();
  while (got.length === 0) await delay(5);
  // Heartbeats are checked every 100 ms here: three without any would end a connection that is read.
  await delay(700);
  helper.send(execEvent(2));
  t.is(telemetry.countOf('HelperSilent'), 0);
  t.is(helper.connections, 1);
  t.deepEqual(got, [1]);
  room.resolve();
  while (got.length === 1) await delay(5);
  t.deepEqual(got, [1, 2]);
  client.stop();
});

test('a helper that ends again and again, and each time had something new, is come back to at once', async (t) => {
  await using helper = await new FakeHelper().listen();
  const got: number[] = [];
  const client = clientOf(helper.socketPath, {
    onItems: (items) => void got.push(...items.map(({ first }) => first)),
  });
  // Without the reset, the later ones of these would wait half a second each.
  t.timeout(20_000);
  helper.backlog.push(JSON.stringify(execEvent(1)));
  client.start();
  for (let seq = 2; seq <= 100; seq++) {
    while (got.length < seq - 1) await delay(1);
    helper.backlog.push(JSON.stringify(execEvent(seq)));
    helper.disconnectAll();
  }
  while (got.length < 100) await delay(1);
  client.stop();
  t.deepEqual(
    got,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

test('a helper whose connections break before anything new is tried again, but not without a pause', async (t) => {
  await using helper = await new FakeHelper().listen();
  helper.backlog.push(JSON.stringify(execEvent(1)), 'no event');
  const client = clientOf(helper.socketPath);
  client.start();
  await delay(1500);
  client.stop();
  t.true(helper.connections > 2 && helper.connections < 100, `${helper.connections} connections`);
});
