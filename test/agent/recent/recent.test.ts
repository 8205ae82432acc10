import test from 'ava';
import fc from 'fast-check';
import { itemOf } from '../../../agent/events/item.ts';
import { Recent } from '../../../agent/recent/recent.ts';

const line = (text: string) => itemOf({ type: 'note', text });

function textAt(recent: Recent, place: number): string | undefined {
  const found = recent.at(place);
  return found && (JSON.parse(found.memory.toString('utf8', found.start, found.end)) as { text?: string }).text;
}

test('holds the newest lines, whole and in order, within its bound, and gives each a place for good', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 40 }), { maxLength: 30 }),
      (batches) => {
        const recent = new Recent(1024 * 1024);
        const all: string[] = [];
        for (const batch of batches) {
          const texts = batch.map((length, i) => `${all.length + i} ${'x'.repeat(length)}`);
          recent.take(texts.map(line));
          all.push(...texts);
          t.true(recent.memoryBytes <= 1024 * 1024);
          t.is(recent.next, all.length);
        }
        for (let place = recent.first; place < recent.next; place++) t.is(textAt(recent, place), all[place]);
        t.is(recent.at(recent.first - 1), undefined);
        t.is(recent.at(recent.next), undefined);
        // All that fits is held: at least the lines of one block less than the bound.
        const bytes = all.map((text) => line(text).bytes);
        let newest = all.length;
        for (let sum = 0; newest > 0 && (sum += bytes[newest - 1]!) < 600 * 1024; newest--);
        t.true(recent.first <= newest);
      },
    ),
    { numRuns: 60 },
  );
});

test('a line that is too long to hold has a place, and says so', (t) => {
  const recent = new Recent(1024 * 1024);
  recent.take([line('before'), line('x'.repeat(400_000)), line('after')]);
  t.is(textAt(recent, 0), 'before');
  const { memory, start, end } = recent.at(1)!;
  t.is(memory.toString('utf8', start, end), '{"type":"missed","count":1,"cause":"too_long"}\n');
  t.is(textAt(recent, 2), 'after');
});

test('without memory it holds nothing, and a smaller bound lets the oldest go', (t) => {
  const none = new Recent(0);
  none.take([line('a')]);
  t.is(none.next, 0);
  const recent = new Recent(2 * 1024 * 1024);
  recent.take(Array.from({ length: 4000 }, (_, i) => line(`${i} ${'x'.repeat(400)}`)));
  t.is(recent.first, 0);
  recent.maxBytes = 1024 * 1024;
  t.true(recent.first > 0 && recent.memoryBytes <= 1024 * 1024);
  t.true(textAt(recent, 3999)!.startsWith('3999 '));
  recent.maxBytes = 0;
  t.is(recent.memoryBytes, 0);
  t.is(recent.first, recent.next);
});
