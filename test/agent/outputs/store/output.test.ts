import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { StoreOutput } from '../../../../agent/outputs/store/output.ts';
import { storeOutput } from '../../../../agent/outputs/store/kind.ts';
import { Delivery } from '../../../../agent/delivery/delivery.ts';
import { Log } from '../../../../agent/delivery/log/log.ts';
import { openStore } from '../../../../agent/store/read/partitions.ts';
import { search } from '../../../../agent/store/read/search.ts';
import { execEvent } from '../../../support/fake-helper.ts';
import { batchOf } from '../../support/batches.ts';
import { toItem } from '../../support/items.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';
import { MAX_LINE_BYTES } from '../../../../shared/protocol/limits.ts';
import { MIB } from '../../store/support.ts';

const NEVER = new Promise<void>(() => undefined);

function numbersIn(folder: string): number[] {
  using store = openStore(folder);
  return [...search(store, { limit: 1e6, deadline: Infinity })]
    .map((line) => (JSON.parse(line) as { seq: number }).seq)
    .reverse();
}

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const skipped = process.getuid?.() === 0 ? '' : ' [skipped: needs root]';

asRoot(`a full disk is told and tried again, and holds up no other output; nothing is lost${skipped}`, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'probes-store-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${24 * MIB},mode=700`, 'tmpfs', root]);
  t.teardown(() => {
    execFileSync('umount', ['-l', root]);
    rmSync(root, { recursive: true, force: true });
  });
  const folder = join(root, 'store');
  const { telemetry, raised } = recordingTelemetry();
  const log = new Log();
  const taken: number[] = [];
  const common = {
    maxLagBytes: 64 * MIB,
    telemetry,
    onReaderGone: () => undefined,
    pace: { firstMs: 10, longestMs: 50 },
  };
  const output = new StoreOutput(storeOutput({ folder, max_bytes: 256 * MIB, max_age: 86_400_000 }), telemetry);
  const store = new Delivery({ ...common, name: 'store', output });
  const other = new Delivery({
    ...common,
    name: 'other',
    output: {
      open: async () => undefined,
      flush: async () => undefined,
      close: async () => undefined,
      send: async (batch) => {
        for (let i = 0; i < batch.records; i++) taken.push(batch.numbersOf(i).first);
        return { kind: 'taken' };
      },
    },
  });
  for (const delivery of [store, other]) {
    await delivery.open();
    delivery.attach(log);
    delivery.start();
  }
  log.begin({ bootId: 'boot', firstSeq: 1, lastSeq: 0 });
  const numbers = Array.from({ length: 40 }, (_, i) => i + 1);
  for (const number of numbers) {
    const cwd = `/${'x'.repeat(600_000)}`;
    log.append([toItem(execEvent(number, { cwd }))], number);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const until = async (what: () => boolean): Promise<void> => {
    for (const deadline = performance.now() + 30_000; !what();) {
      if (performance.now() > deadline) throw new Error(JSON.stringify(raised));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await until(() => taken.length === numbers.length);
  await until(() => raised.some(({ event }) => event === 'OutputFailed'));
  const { reason } = raised.find(({ event }) => event === 'OutputFailed')!;
  t.true(String(reason).includes('the disk is full; free some room'), String(reason));
  t.true(store.lagRecords > 0);
  execFileSync('mount', ['-o', `remount,size=${200 * MIB}`, root]);
  await until(() => store.lagRecords === 0);
  t.true(raised.some(({ event }) => event === 'OutputRecovered'));
  await Promise.all([store.close(NEVER), other.close(NEVER)]);
  t.deepEqual(numbersIn(folder), numbers);
});

test('the longest lines fit into the memory of the thread', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'probes-store-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, 'store');
  const { telemetry } = recordingTelemetry();
  const output = new StoreOutput(storeOutput({ folder, max_bytes: 256 * MIB, max_age: 86_400_000 }), telemetry);
  await output.open();
  for (const [i, word] of ['x', 'ü', '日', '\u0001'].entries()) {
    const room = MAX_LINE_BYTES / 2 - 2000;
    const text = word.repeat(Math.floor(room / (JSON.stringify(word).length === 3 ? Buffer.byteLength(word) : 6)));
    const item = toItem(execEvent(i + 1, { command: text, argv: [text] }));
    t.true(item.bytes > MAX_LINE_BYTES - 10_000 && item.bytes <= MAX_LINE_BYTES, `${item.bytes}`);
    t.deepEqual(await output.send(batchOf('boot', [item])), { kind: 'taken' });
  }
  await output.close();
  t.deepEqual(numbersIn(folder), [1, 2, 3, 4]);
});

test('a thread that ends is started again, and the batch that it had is stored once', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'probes-store-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, 'store');
  const { telemetry } = recordingTelemetry();
  const output = new StoreOutput(storeOutput({ folder, max_bytes: 256 * MIB, max_age: 86_400_000 }), telemetry);
  await output.open();
  const batch = batchOf('boot', [toItem(execEvent(1)), toItem(execEvent(2))]);
  const sent = output.send(batch);
  // Closing asks the thread to end behind the batch: whoever waits for neither answer has lost the one of the batch.
  const closed = output.close();
  await Promise.allSettled([sent, closed]);
  await output.open();
  t.deepEqual(await output.bookmark.load(), { bootId: 'boot', last: 2 });
  t.deepEqual(await output.send(batchOf('boot', [toItem(execEvent(3))])), { kind: 'taken' });
  await output.close();
  await output.close();
  t.deepEqual(numbersIn(folder), [1, 2, 3]);
  writeFileSync(join(folder, 'unrelated'), 'x');
  await output.open();
  await output.close();
});
