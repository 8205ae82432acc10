import test from 'ava';
import { takeBatch } from '../../../agent/delivery/batch.ts';
import type { PendingBatch } from '../../../agent/delivery/pending-batch.ts';
import { Log } from '../../../agent/delivery/log/log.ts';
import { formatOf } from '../../../agent/formats/choice.ts';
import { exec, gap } from '../support/items.ts';

const LIMITS = { bytes: 1e6, records: 100, ageMs: 0 };

for (const name of ['native', 'ecs', 'ocsf'] as const)
  test(`what a batch of ${name} lines leaves behind is counted with its gaps`, async (t) => {
    const log = new Log();
    const cursor = log.open({
      alertsOnly: false,
      maxLagBytes: 1e6,
      position: undefined,
      onMoved: () => undefined,
      onOvertaken: () => undefined,
      onResumed: () => undefined,
      onPositionUnknown: () => undefined,
    });
    log.begin({ bootId: 'boot', firstSeq: 1, lastSeq: 20 });
    // A filter has taken two numbers out of the second gap.
    log.append([exec(1), gap(2, 4), exec(5), gap(6, 12, { count: 5 })]);
    const format = await formatOf(name, { hostId: 'a'.repeat(32), host: 'h', stream: 's' });
    const batch = takeBatch(cursor, format, LIMITS) as PendingBatch;
    t.is(batch.records, 4);
    t.deepEqual(batch.lossOfRest(), { first: 1, last: 12, count: 10, unnumbered: 0 });
    batch.advance(2);
    t.deepEqual(batch.lossOfRest(), { first: 5, last: 12, count: 6, unnumbered: 0 });
  });
