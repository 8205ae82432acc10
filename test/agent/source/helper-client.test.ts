import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { PRODUCT_TRUST } from '../../../agent/source/connect.ts';
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
