import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { PRODUCT_TRUST } from '../../../agent/source/connect.ts';
import { execEvent, FakeHelper } from '../../support/fake-helper.ts';
import { summary } from '../support/items.ts';
import type { Item } from '../../../agent/events/item.ts';
import { HelperClient } from '../../../agent/source/helper-client.ts';
import { ReplayFilter } from '../../../agent/source/replay-filter.ts';
import { withServer } from '../support/server.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

test('a helper that is stopped takes connections and says nothing: the log says so, and for how long', async (t) => {
  let connections = 0;
  await withServer(
    () => connections++,
    async (socketPath) => {
      let now = 0;
      const { telemetry, raised } = recordingTelemetry(() => now);
      const client = new HelperClient({
        socketPath,
        trust: { ...PRODUCT_TRUST, ownerUid: process.getuid!() },
        filter: new ReplayFilter(),
        telemetry,
        helloTimeoutMs: 30,
        onNumbering: () => undefined,
        onItems: () => undefined,
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

test('events that arrive together with the hello of another boot are taken, behind the gap of the boot before', async (t) => {
  await using helper = await new FakeHelper({ hello: { last_seq: 5 } }).listen();
  const taken: string[] = [];
  const client = new HelperClient({
    socketPath: helper.socketPath,
    trust: { ...PRODUCT_TRUST, ownerUid: process.getuid!() },
    filter: new ReplayFilter(),
    telemetry: recordingTelemetry().telemetry,
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
