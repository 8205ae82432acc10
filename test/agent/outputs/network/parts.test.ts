import test from 'ava';
import fc from 'fast-check';
import { sendInParts, type Part, type Verdict } from '../../../../agent/outputs/network/parts.ts';
import { PartSize } from '../../../../agent/outputs/network/part-size.ts';
import { PendingBatch } from '../../../../agent/delivery/pending-batch.ts';
import { exec, gap } from '../../support/items.ts';

/** A batch as the delivery makes it: what was settled of it can be taken off its front. */
function pendingBatch(count: number): PendingBatch {
  const items = Array.from({ length: count }, (_, i) => (i % 7 === 3 ? gap(i, i) : exec(i)));
  let at = 0;
  return new PendingBatch(
    Buffer.concat(items.map(({ memory, start, end }) => memory.subarray(start, end))),
    0,
    {
      ends: Uint32Array.from(items, ({ bytes }) => (at += bytes)),
      firsts: Float64Array.from(items, ({ first }) => first),
      lasts: Float64Array.from(items, ({ last }) => last),
      flags: new Uint8Array(count),
    },
    'boot',
  );
}

const numbersIn = ({ lines }: Part): number[] =>
  lines
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq?: number; first?: number })
    .map(({ seq, first }) => seq ?? first!);

test('whatever is refused, and whenever the receiver fails: each record is taken or refused, once and in order', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.uniqueArray(fc.nat(39)),
      fc.array(fc.boolean(), { maxLength: 200 }),
      fc.integer({ min: 1, max: 20_000 }),
      async (count, bad, failures, maxBytes) => {
        const batch = pendingBatch(count);
        const taken: number[] = [];
        const refused: number[] = [];
        const buried: number[] = [];
        let requests = 0;
        const fails = failures.values();
        const send = async (part: Part): Promise<Verdict> => {
          const numbers = numbersIn(part);
          t.is(part.records, numbers.length);
          t.deepEqual([part.first, part.last], [numbers[0]!, numbers.at(-1)!]);
          t.is(part.endOf(part.records - 1), part.lines.length);
          t.true(part.lines.length <= maxBytes || part.records === 1);
          if (fails.next().value === true) return { kind: 'retry', reason: 'away' };
          requests++;
          if (numbers.some((number) => bad.includes(number))) return { kind: 'refused', reason: 'bad' };
          taken.push(...numbers);
          return { kind: 'taken' };
        };
        for (let i = 0; ; i++) {
          t.true(i < 500, 'it ends');
          const first = batch.first;
          const outcome = await sendInParts(batch, {
            maxBytes: () => maxBytes,
            send,
            onRefused: async (line) =>
              void buried.push(
                (JSON.parse(line.toString()) as { seq?: number; first: number }).seq ??
                  (JSON.parse(line.toString()) as { first: number }).first,
              ),
          });
          if (outcome.kind === 'taken') break;
          if (outcome.kind === 'refused') refused.push(...outcome.records.map((record) => first + record));
          const settled = outcome.kind === 'refused' ? (outcome.through ?? batch.records) : (outcome.taken ?? 0);
          if (!batch.advance(settled)) break;
        }
        const all = Array.from({ length: count }, (_, i) => i);
        t.deepEqual(
          refused,
          all.filter((number) => bad.includes(number)),
        );
        t.deepEqual(buried, refused);
        t.deepEqual(
          taken,
          all.filter((number) => !bad.includes(number)),
        );
        if (failures.every((failure) => !failure)) t.true(requests <= 2 * count);
      },
    ),
    { numRuns: 200 },
  );
});

test('after each part that was answered the batch is known to be worked on', async (t) => {
  const batch = pendingBatch(5);
  const seen: boolean[] = [];
  await sendInParts(batch, {
    maxBytes: () => 1,
    send: async () => {
      seen.push(batch.workedOnAt === 0);
      batch.workedOnAt = 0;
      return { kind: 'taken' };
    },
    onRefused: async () => undefined,
  });
  t.deepEqual(seen, [false, false, false, false, false]);
  t.true(batch.workedOnAt > 0);
});

test('one record to blame among 1,024 is found with 21 requests', async (t) => {
  let requests = 0;
  const outcome = await sendInParts(pendingBatch(1024), {
    maxBytes: () => Infinity,
    send: async (part) => {
      requests++;
      return numbersIn(part).includes(700) ? { kind: 'refused', reason: 'bad' } : { kind: 'taken' };
    },
    onRefused: async () => undefined,
  });
  t.deepEqual(outcome, { kind: 'refused', reason: 'bad', records: [700] });
  t.is(requests, 21);
});

test('parts become smaller when they are too large, and larger again after many that went through', (t) => {
  const size = new PartSize(1000_000);
  size.tooLarge(800_000);
  t.is(size.bytes, 400_000);
  size.tooLarge(900_000);
  t.is(size.bytes, 400_000, 'it does not grow for what was known');
  for (let i = 0; i < 63; i++) size.taken();
  t.is(size.bytes, 400_000);
  size.taken();
  t.is(size.bytes, 800_000);
  for (let i = 0; i < 64; i++) size.taken();
  t.is(size.bytes, 1000_000, 'never more than configured');
  for (let i = 0; i < 64; i++) size.cutOff(size.bytes);
  t.is(size.bytes, 16 * 1024, 'a connection that ends makes them no smaller than this');
  for (let i = 0; i < 64; i++) size.tooLarge(size.bytes);
  t.is(size.bytes, 1);
});
