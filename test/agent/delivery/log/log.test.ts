import test from 'ava';
import * as fc from 'fast-check';
import { takeBatch } from '../take-batch.ts';
import type { Cursor } from '../../../../agent/delivery/log/cursor.ts';
import type { CursorOptions } from '../../../../agent/delivery/log/reader.ts';
import { Log } from '../../../../agent/delivery/log/log.ts';
import { SEGMENT_BYTES, SEGMENT_RECORDS } from '../../../../agent/delivery/log/memory-segment.ts';
import { Item, itemOf, type StreamEvent } from '../../../../agent/events/item.ts';
import { gapEvent } from '../../../support/fake-helper.ts';

const LIMITS = { bytes: SEGMENT_BYTES, records: SEGMENT_RECORDS, ageMs: 0 };
const NOTHING = (): void => undefined;

function open(log: Log, options: Partial<CursorOptions> = {}): Cursor {
  return log.open({
    maxLagBytes: Number.MAX_SAFE_INTEGER,
    alertsOnly: false,
    position: undefined,
    onMoved: NOTHING,
    onOvertaken: NOTHING,
    onResumed: NOTHING,
    onPositionUnknown: NOTHING,
    ...options,
  });
}

/** Items that lie side by side in memory, as a read brings them; every `alertEvery`th is an alert. */
function itemsOf(sizes: readonly number[], first: number, alertEvery = Infinity): Item[] {
  const lines = sizes.map((size, i) => `{"seq":${first + i},"p":"${'é'.repeat(size / 2)}"}\n`);
  const memory = Buffer.from(lines.join(''));
  let at = 0;
  return lines.map((line, i) => {
    const start = at;
    at += Buffer.byteLength(line);
    const number = first + i;
    return new Item(memory, start, at, number, number, undefined, undefined, number % alertEvery === 0);
  });
}

/** Everything that a cursor has to give now. */
function drain(cursor: Cursor): string {
  let text = '';
  for (let batch = takeBatch(cursor, undefined, LIMITS); batch; batch = takeBatch(cursor, undefined, LIMITS)) {
    text += batch.lines.toString();
    cursor.commit();
  }
  return text;
}

/** The numbers in lines, with the ranges and counts of gaps. */
function read(text: string): Array<{ first: number; last: number; count: number }> {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const event = JSON.parse(line) as { seq: number; type?: string; first: number; last: number; count: number };
      return event.type === 'gap' ? event : { first: event.seq, last: event.seq, count: 1 };
    });
}

/** A reader of the log and what it has got so far. */
interface Reader {
  cursor: Cursor;
  alertsOnly: boolean;
  bounded: boolean;
  expected: string;
  /** Numbers that are for it. */
  numbers: number[];
  text: string;
}

test('each cursor gets what is for it, once, in order, or a gap that counts it exactly; whatever comes and goes', (t) => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 400_000 })), {
    minLength: 1,
    maxLength: 12,
  });
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), sizes, leaveOut: fc.nat(12) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('read' as const),
        which: fc.nat(9),
        batches: fc.integer({ min: 1, max: 4 }),
        records: fc.integer({ min: 1, max: 9 }),
        commit: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('open' as const), alertsOnly: fc.boolean(), bounded: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), which: fc.nat(9) }) },
  );
  const runs = Number(process.env['LOG_PROPERTY_RUNS'] ?? 200);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const log = new Log();
      log.begin({ bootId: 'boot', firstSeq: 1, lastSeq: Number.MAX_SAFE_INTEGER });
      const readers: Reader[] = [];
      let next = 1;
      const check = (reader: Reader): void => {
        reader.text += drain(reader.cursor);
        if (!reader.bounded) t.true(reader.text === reader.expected);
        const records = read(reader.text);
        let before = 0;
        let count = 0;
        for (const record of records) {
          t.true(record.first > before && record.last >= record.first, `${record.first} after ${before}`);
          before = record.last;
          count += record.count;
        }
        t.is(count, reader.numbers.length);
        if (records.length > 0) t.is(before, reader.numbers.at(-1)!);
        t.is(reader.cursor.lagBytes, 0);
        t.is(reader.cursor.lagRecords, 0);
      };
      for (const s of steps) {
        if (s.kind === 'append') {
          const items = itemsOf(s.sizes, next, 7).filter((_, i) => i !== s.leaveOut);
          for (const reader of readers) {
            for (const item of items) {
              if (reader.alertsOnly && !item.isAlert) continue;
              reader.expected += `${item.line}\n`;
              reader.numbers.push(item.first);
            }
          }
          next += s.sizes.length;
          log.append(items, next - 1);
          for (const item of items) item.memory.fill(0);
        } else if (s.kind === 'open') {
          if (readers.length > 5) continue;
          const { alertsOnly, bounded } = s;
          const cursor = open(log, { alertsOnly, ...(bounded ? { maxLagBytes: 900_000 } : {}) });
          readers.push({ cursor, alertsOnly, bounded, expected: '', numbers: [], text: '' });
        } else if (readers.length > 0) {
          const reader = readers[s.which % readers.length]!;
          if (s.kind === 'close') {
            reader.cursor.end();
            reader.cursor.commit();
            check(reader);
            reader.cursor.close();
            readers.splice(readers.indexOf(reader), 1);
            continue;
          }
          const limits = { ...LIMITS, records: s.records };
          const batches = Array.from({ length: s.batches }, () => takeBatch(reader.cursor, undefined, limits));
          // Sent only now: what was taken must still be there, whatever else happened to the log.
          for (const batch of batches) reader.text += batch?.lines.toString() ?? '';
          if (s.commit) reader.cursor.commit();
        }
      }
      for (const reader of readers) {
        reader.cursor.commit();
        check(reader);
        reader.cursor.close();
      }
      t.true(log.memoryBytes <= 2 * SEGMENT_BYTES, `${log.memoryBytes}`);
    }),
    { numRuns: runs },
  );
});

test('what is lent stays as it is until it is committed, even when the cursor is overtaken', (t) => {
  const log = new Log();
  const [slow, fast] = [open(log, { maxLagBytes: 2_000_000 }), open(log)];
  log.append(itemsOf([1000, 1000], 1));
  const batch = takeBatch(slow, undefined, LIMITS)!;
  const before = batch.lines.toString();
  for (let i = 0; i < 100; i++) {
    log.append(itemsOf([100_000], 3 + i));
    drain(fast);
  }
  t.is(batch.lines.toString(), before);
  slow.commit();
  const records = read(drain(slow));
  t.is(records[0]!.first, 3);
  t.true(records[0]!.count > 50);
  t.is(records.at(-1)!.last, 102);
});

test('an output that stands still costs its bound of memory, and one more segment', (t) => {
  const log = new Log();
  const dead = open(log, { maxLagBytes: 4 * SEGMENT_BYTES });
  const fast = open(log);
  log.append(itemsOf([100], 1));
  takeBatch(dead, undefined, LIMITS);
  let most = 0;
  for (let i = 0; i < 300; i++) {
    log.append(itemsOf([100_000], 2 + i));
    drain(fast);
    most = Math.max(most, log.memoryBytes);
  }
  t.true(most <= 7 * SEGMENT_BYTES, `${most}`);
  t.is(dead.lagRecords > 0, true);
});

test('for an output for alerts that stands still, only alerts are kept', (t) => {
  const log = new Log();
  const dead = open(log, { alertsOnly: true });
  const fast = open(log);
  for (let i = 0; i < 20_000; i++) {
    log.append(itemsOf([2000], 1 + i, 1000));
    drain(fast);
  }
  t.true(log.memoryBytes < 4 * SEGMENT_BYTES, `${log.memoryBytes}`);
  t.deepEqual(
    read(drain(dead)).map(({ first }) => first),
    Array.from({ length: 20 }, (_, i) => (i + 1) * 1000),
  );
});

test('a dead output for alerts does not pin memory that nothing of it is in', (t) => {
  const log = new Log();
  open(log, { alertsOnly: true });
  const fast = open(log);
  log.append(itemsOf([10], 1, 1));
  for (let i = 0; i < 50_000; i++) {
    log.append(itemsOf([500], 2 + i));
    drain(fast);
  }
  t.true(log.memoryBytes < 4 * SEGMENT_BYTES, `${log.memoryBytes}`);
});

test('with little to do the same memory is used again and again', (t) => {
  const log = new Log();
  const cursor = open(log);
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < 2000; i++) {
    log.append(itemsOf([500], 1 + i));
    const batch = takeBatch(cursor, undefined, LIMITS)!;
    memories.add(batch.lines.buffer);
    cursor.commit();
  }
  t.is(memories.size, 1);
});

test('lines that lie side by side are not copied again', (t) => {
  const log = new Log();
  const [a, b] = [open(log), open(log)];
  log.append(itemsOf([500, 500], 1));
  const batches = [a, b].map((cursor) => takeBatch(cursor, undefined, LIMITS)!);
  t.is(batches[0]!.lines.buffer, batches[1]!.lines.buffer);
  t.is(batches[0]!.lines.byteOffset, batches[1]!.lines.byteOffset);
});

test('a line larger than a segment gets one of its own', (t) => {
  const log = new Log();
  const cursor = open(log);
  log.append(itemsOf([10, 3 * SEGMENT_BYTES, 10], 1));
  const sizes: number[] = [];
  for (let batch = takeBatch(cursor, undefined, LIMITS); batch; batch = takeBatch(cursor, undefined, LIMITS)) {
    sizes.push(batch.records);
  }
  t.deepEqual(sizes, [1, 1, 1]);
});

test('a segment holds a bounded number of records, however short they are', (t) => {
  const log = new Log();
  const cursor = open(log);
  const items = itemsOf(
    Array.from({ length: 3 * SEGMENT_RECORDS }, () => 2),
    1,
  );
  log.append(items);
  t.is(drain(cursor), items.map(({ line }) => `${line}\n`).join(''));
});

test('the first number due is the lowest that any output lacks; one that does not know gets everything', (t) => {
  const numbering = { bootId: 'boot', firstSeq: 1, lastSeq: 99 };
  const at = (last: number): Partial<CursorOptions> => ({ position: { bootId: 'boot', last } });
  const log = new Log();
  t.is(log.begin(numbering), undefined);
  for (const last of [7, 3, 9]) open(log, at(last));
  t.is(log.begin({ ...numbering }), 4);
  open(log);
  t.is(log.begin(numbering), undefined);
});

test('a cursor that comes later is told of the numbering, and gets what comes from then on', (t) => {
  const log = new Log();
  log.begin({ bootId: 'boot', firstSeq: 1, lastSeq: 99 });
  const before = open(log);
  log.append(itemsOf([10, 10], 1), 2);
  const resumed: number[] = [];
  const cursor = open(log, { position: { bootId: 'boot', last: 5 }, onResumed: (after) => void resumed.push(after) });
  log.append(itemsOf([10, 10, 10, 10], 3), 6);
  t.deepEqual(resumed, [5]);
  t.deepEqual(read(drain(cursor)), [{ first: 6, last: 6, count: 1 }]);
  t.is(read(drain(before)).length, 6);
});

test('a gap that is given up counts as many events as it stood for', (t) => {
  const log = new Log();
  const cursor = open(log, { maxLagBytes: 500 });
  log.append([itemOf(gapEvent(1, 50) as unknown as StreamEvent), ...itemsOf([400, 400], 51)]);
  const [loss, ...rest] = read(drain(cursor));
  t.like(loss, { first: 1, last: 51, count: 51 });
  t.is(rest.length, 1);
});
