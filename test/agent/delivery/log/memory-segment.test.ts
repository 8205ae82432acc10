import test from 'ava';
import * as fc from 'fast-check';
import { Item } from '../../../../agent/events/item.ts';
import { RecordQueue, type Batch } from '../../../../agent/delivery/log/memory-segment.ts';

const SEGMENT_BYTES = 1024 * 1024;

/** Items that lie side by side in memory, as a read brings them. */
function itemsOf(lines: readonly string[], first = 1): Item[] {
  const memory = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  let at = 0;
  return lines.map((line, i) => {
    const start = at;
    at += Buffer.byteLength(line) + 1;
    return new Item(memory, start, at, first + i, first + i);
  });
}

function drain(queue: RecordQueue): { text: string; batches: Batch[] } {
  let text = '';
  const batches: Batch[] = [];
  for (let batch = queue.head(); batch !== undefined; batch = queue.head()) {
    text += batch.lines.toString();
    batches.push({ ...batch });
    queue.drop(batch);
  }
  return { text, batches };
}

test('what goes in comes out, in order, in whole lines, whatever is added, left out and taken in between', (t) => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('read' as const),
      sizes: fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 12 }),
      leaveOut: fc.nat(12),
    }),
    fc.record({ kind: fc.constant('text' as const), size: fc.integer({ min: 1, max: 700_000 }) }),
    fc.record({ kind: fc.constant('take' as const), lines: fc.nat(5) }),
    fc.record({ kind: fc.constant('boot' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const queue = new RecordQueue();
      let [expected, got, number, boots] = ['', '', 0, 0];
      const line = (size: number): string => `${number++}`.padEnd(size, 'é');
      for (const s of steps) {
        if (s.kind === 'read') {
          const lines = s.sizes.map(line);
          for (const [i, item] of itemsOf(lines).entries()) {
            if (i === s.leaveOut) continue;
            queue.add(item);
            expected += `${lines[i]}\n`;
          }
          queue.settle();
        } else if (s.kind === 'text') {
          const text = line(s.size);
          queue.addText(text, number);
          expected += `${text}\n`;
        } else if (s.kind === 'boot') {
          queue.begin(`boot ${boots++}`);
        } else {
          const batch = queue.head();
          if (batch === undefined) continue;
          t.is(batch.lines.at(-1), 10);
          let bytes = 0;
          for (let n = 0; n < s.lines && bytes < batch.lines.length; n++) bytes = batch.lines.indexOf(10, bytes) + 1;
          got += batch.lines.toString('utf8', 0, bytes);
          queue.dropPart(batch, bytes);
        }
        t.is(queue.bytes, Buffer.byteLength(expected) - Buffer.byteLength(got));
        t.is(queue.records, expected.split('\n').length - got.split('\n').length);
      }
      got += drain(queue).text;
      t.true(got === expected);
      t.is(queue.bytes, 0);
      t.is(queue.records, 0);
    }),
    { numRuns: 40 },
  );
});

test('what is added while a batch is written is not part of it', (t) => {
  const queue = new RecordQueue();
  const [one, two] = itemsOf(['one', 'two']);
  queue.add(one!);
  const batch = queue.head()!;
  queue.add(two!);
  t.is(batch.lines.toString(), 'one\n');
  queue.drop(batch);
  t.is(drain(queue).text, 'two\n');
});

test('a batch has the lines of one boot, and says the first number', (t) => {
  const queue = new RecordQueue();
  queue.begin('a');
  for (const item of itemsOf(['one', 'two'], 8)) queue.add(item);
  queue.begin('b');
  for (const item of itemsOf(['three'], 1)) queue.add(item);
  const { batches } = drain(queue);
  t.deepEqual(
    batches.map(({ bootId, first, records }) => [bootId, first, records]),
    [
      ['a', 8, 2],
      ['b', 1, 1],
    ],
  );
});

test('with little to do the same memory is used again and again', (t) => {
  const queue = new RecordQueue();
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < 2000; i++) {
    for (const item of itemsOf(['x'.repeat(500)])) queue.add(item);
    const batch = queue.head()!;
    memories.add(batch.lines.buffer);
    queue.drop(batch);
  }
  t.is(memories.size, 1);
});

test('a line larger than a write gets a write of its own', (t) => {
  const queue = new RecordQueue();
  for (const item of itemsOf(['a', 'b'.repeat(3 * SEGMENT_BYTES), 'c'])) queue.add(item);
  t.deepEqual(
    drain(queue).batches.map(({ records }) => records),
    [1, 1, 1],
  );
});
