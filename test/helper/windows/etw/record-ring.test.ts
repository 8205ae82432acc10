import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';

import { RECORD, RecordRing } from '../../../../helper/windows/etw/record-ring.ts';

test('what goes in comes out: order, bytes, kind, version and time, over many turns of the ring', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ size: fc.nat(300), take: fc.nat(3) }), { minLength: 50, maxLength: 200 }),
      (steps) => {
        const ring = new RecordRing(RecordRing.allocate(4096));
        const expected: number[] = [];
        let next = 0;
        const check = (most: number): void => {
          ring.take(most, ({ kind, version, time, payload }) => {
            const id = expected.shift() as number;
            t.is(kind, RECORD.classicProcess);
            t.is(version, id % 250);
            t.is(time, BigInt(id));
            t.true(payload.every((byte) => byte === id % 256));
          });
        };
        for (const { size, take } of steps) {
          const { length } = expected;
          ring.push(RECORD.classicProcess, next % 250, BigInt(next), new Uint8Array(size).fill(next % 256), 0);
          expected.push(next++);
          // A full ring drops the newest; only starts are counted.
          if (length > 8) check(Number.POSITIVE_INFINITY);
          else check(take);
        }
        check(Number.POSITIVE_INFINITY);
        t.deepEqual(expected, []);
        t.true(ring.isEmpty);
      },
    ),
    { numRuns: 100 },
  );
});

test('a start that finds no room in time is counted as dropped, and nothing of it stays', (t) => {
  const ring = new RecordRing(RecordRing.allocate(1024));
  for (let i = 0; i < 10; i++) ring.push(RECORD.kernelProcess, 0, BigInt(i), new Uint8Array(200), 1);
  const taken: bigint[] = [];
  ring.take(100, ({ time }) => taken.push(time));
  t.deepEqual(taken, [0n, 1n, 2n, 3n]);
  t.is(ring.starts, 10);
  t.is(ring.dropped, 6);
});

test('a record larger than half the ring is dropped at once', (t) => {
  const ring = new RecordRing(RecordRing.allocate(1024));
  const began = performance.now();
  ring.push(RECORD.kernelProcess, 0, 0n, new Uint8Array(600), 5000);
  t.true(performance.now() - began < 1000);
  t.is(ring.dropped, 1);
});

test('a writer in another thread waits for room, and nothing is lost', async (t) => {
  const memory = RecordRing.allocate(4096);
  const module = new URL('../../../../helper/windows/etw/record-ring.ts', import.meta.url).href;
  const writer = new Worker(
    `const { workerData } = require('node:worker_threads');
     import(workerData.module).then(({ RecordRing }) => {
       const ring = new RecordRing(workerData.memory);
       for (let i = 0; i < 20000; i++) ring.push(1, i % 5, BigInt(i), new Uint8Array(i % 100), 10000);
     });`,
    { eval: true, workerData: { module, memory } },
  );
  const ring = new RecordRing(memory);
  let next = 0n;
  const deadline = performance.now() + 30_000;
  while (next < 20_000n && performance.now() < deadline) {
    ring.take(64, ({ time }) => t.is(time, next++));
    await new Promise((resolve) => void setImmediate(resolve));
  }
  await writer.terminate();
  t.is(next, 20_000n);
  t.is(ring.starts, 20_000);
  t.is(ring.dropped, 0);
});
