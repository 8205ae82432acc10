import test from 'ava';
import * as fc from 'fast-check';
import { RingBuffer } from '../../../../helper/linux/source/ring-buffer.ts';
import { FakeKernel, RING_FD, type FakeKernelOptions, type Reservation } from '../../../support/fake-kernel.ts';

function ringOf(options: FakeKernelOptions = {}) {
  const kernel = new FakeKernel({ ringBytes: 4096, ...options });
  const ring = new RingBuffer(kernel.libc, RING_FD, kernel.ringBytes);
  const take = (limit = 1000): string[] => {
    const records: string[] = [];
    const count = ring.take(limit, (offset, length) =>
      records.push(ring.bytes.toString('latin1', offset, offset + length)),
    );
    if (count !== records.length) throw new Error(`${count} were said to be taken, ${records.length} were`);
    return records;
  };
  return { kernel, ring, take };
}

test('records come out in their order, and each once', (t) => {
  const { kernel, take } = ringOf();
  for (const text of ['a', 'bb', '', '12345678', '123456789']) t.true(kernel.output(Buffer.from(text)));
  t.deepEqual(take(), ['a', 'bb', '', '12345678', '123456789']);
  t.deepEqual(take(), []);
});

test('both views show the same record, on a multiple of 8', (t) => {
  const { kernel, ring } = ringOf();
  kernel.output(Buffer.from('123'));
  kernel.output(Buffer.from([1, 2, 3, 4, 5]));
  const offsets: number[] = [];
  ring.take(10, (offset) => offsets.push(offset));
  t.true(offsets.every((offset) => offset % 8 === 0));
  t.is(ring.words[(offsets[1] as number) >>> 2], 0x04030201);
});

test('a record that wraps is one piece', (t) => {
  const { kernel, ring, take } = ringOf({ position: 4096n - 16n });
  const text = 'x'.repeat(50) + 'y'.repeat(50);
  kernel.output(Buffer.from(text));
  t.deepEqual(take(), [text]);
  ring.release(ring.position);
  t.is(kernel.consumerPosition, kernel.producerPosition);
});

test('a record that is still being written stops the reader, also for those behind it', (t) => {
  const { kernel, ring, take } = ringOf();
  kernel.output(Buffer.from('before'));
  const busy = kernel.reserve(5) as Reservation;
  kernel.output(Buffer.from('after'));
  t.deepEqual(take(), ['before']);
  t.true(ring.pendingBytes > 0);
  t.deepEqual(take(), []);
  kernel.submit(busy, Buffer.from('while'));
  t.deepEqual(take(), ['while', 'after']);
  t.is(ring.pendingBytes, 0);
});

test('a discarded record is skipped', (t) => {
  const { kernel, take } = ringOf();
  const discarded = kernel.reserve(100) as Reservation;
  kernel.output(Buffer.from('after'));
  kernel.discard(discarded);
  t.deepEqual(take(), ['after']);
});

test('no more than the limit is taken at a time', (t) => {
  const { kernel, take } = ringOf();
  for (const text of ['a', 'b', 'c']) kernel.output(Buffer.from(text));
  t.deepEqual(take(2), ['a', 'b']);
  t.deepEqual(take(2), ['c']);
});

test('the kernel gets room only by release, and exactly up to the given place', (t) => {
  const { kernel, ring, take } = ringOf();
  let written = 0;
  while (kernel.output(Buffer.alloc(100))) written++;
  const places: number[] = [];
  ring.take(2, () => places.push(ring.position));
  take();
  t.false(kernel.output(Buffer.alloc(100)));
  ring.release(places[1] as number);
  t.true(kernel.output(Buffer.alloc(100)));
  t.false(kernel.output(Buffer.alloc(100)));
  ring.release(ring.position);
  for (let i = 0; i < written - 1; i++) t.true(kernel.output(Buffer.alloc(100)));
});

test('a release to where the ring already is changes nothing', (t) => {
  const { kernel, ring, take } = ringOf({ position: 8n });
  kernel.output(Buffer.from('a'));
  ring.release(ring.position);
  t.is(kernel.consumerPosition, 8n);
  take();
  ring.release(ring.position);
  ring.release(ring.position);
  t.is(kernel.consumerPosition, 24n);
});

test('positions go on beyond 2^32 and 2^53', (t) => {
  for (const position of [2n ** 32n - 2048n, 2n ** 53n - 2048n, 2n ** 33n]) {
    const { kernel, ring, take } = ringOf({ position });
    for (let i = 0; i < 20; i++) {
      const text = `${i}${'z'.repeat(500)}`;
      t.true(kernel.output(Buffer.from(text)));
      t.deepEqual(take(), [text]);
      t.is(ring.pendingBytes, 0);
      ring.release(ring.position);
      t.is(kernel.consumerPosition, kernel.producerPosition);
    }
  }
});

test('a successor begins at what was not released', (t) => {
  const { kernel, ring } = ringOf({ position: 2n ** 32n - 64n });
  for (const text of ['one', 'two', 'three', 'four', 'five']) kernel.output(Buffer.from(text));
  ring.take(2, () => undefined);
  ring.release(ring.position);
  ring.take(2, () => undefined);
  const successor = new RingBuffer(kernel.libc, RING_FD, kernel.ringBytes);
  const records: string[] = [];
  successor.take(10, (offset, length) => records.push(successor.bytes.toString('latin1', offset, offset + length)));
  t.deepEqual(records, ['three', 'four', 'five']);
});

test('what is looked at stays to be taken', (t) => {
  const { kernel, ring, take } = ringOf();
  for (const text of ['one', 'two']) kernel.output(Buffer.from(text));
  const seen: string[] = [];
  ring.scan((offset, length) => seen.push(ring.bytes.toString('latin1', offset, offset + length)));
  t.deepEqual(seen, ['one', 'two']);
  t.true(ring.pendingBytes > 0);
  ring.release(ring.position);
  t.is(kernel.consumerPosition, 0n);
  t.deepEqual(take(), ['one', 'two']);
});

test('for any records, written and read at any time, what went in comes out', (t) => {
  const step = fc.oneof(
    fc.record({ write: fc.nat(900) }),
    fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
    fc.constant({ release: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(0n, 2n ** 32n - 1024n), (steps, position) => {
      const { kernel, ring, take } = ringOf({ position });
      const written: string[] = [];
      const read: string[] = [];
      for (const [i, each] of steps.entries()) {
        if ('write' in each) {
          const text = String.fromCharCode(97 + (i % 26)).repeat(each.write);
          if (kernel.output(Buffer.from(text))) written.push(text);
        } else if ('take' in each) read.push(...take(each.take));
        else ring.release(ring.position);
      }
      read.push(...take());
      t.deepEqual(read, written);
    }),
    { numRuns: 100 },
  );
});
