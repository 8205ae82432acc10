import test from 'ava';
import type { Item } from '../../agent/item.ts';
import type { Lane } from '../../agent/outputs/lane.ts';
import { Pipeline } from '../../agent/pipeline.ts';
import { exec } from './support/items.ts';

function collector(): { lane: Lane; batches: Array<readonly Item[]> } {
  const batches: Array<readonly Item[]> = [];
  return { lane: { accept: (items: readonly Item[]) => void batches.push(items) } as unknown as Lane, batches };
}

test('every lane gets every batch', (t) => {
  const [a, b] = [collector(), collector()];
  const batch = [exec(1), exec(2)];
  new Pipeline([], [a.lane, b.lane]).take(batch);
  t.deepEqual(a.batches, [batch]);
  t.deepEqual(b.batches, [batch]);
});

test('stages work in order, and lanes get what they leave', (t) => {
  const { lane, batches } = collector();
  const pipeline = new Pipeline([(batch) => batch.slice(1), (batch) => batch.toReversed()], [lane]);
  const [one, two, three] = [exec(1), exec(2), exec(3)];
  pipeline.take([one, two, three]);
  t.deepEqual(batches, [[three, two]]);
});

test('a batch of which nothing is left disturbs nobody', (t) => {
  const { lane, batches } = collector();
  new Pipeline([() => []], [lane]).take([exec(1)]);
  t.deepEqual(batches, []);
});

test('a batch after the lanes were replaced goes to the new ones only', (t) => {
  const [a, b] = [collector(), collector()];
  const pipeline = new Pipeline([], [a.lane]);
  pipeline.take([exec(1)]);
  pipeline.replaceLanes([b.lane]);
  pipeline.take([exec(2)]);
  t.is(a.batches.length, 1);
  t.is(b.batches.length, 1);
});
