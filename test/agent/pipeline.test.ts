import test from 'ava';
import type { Item } from '../../agent/events/item.ts';
import type { Lane } from '../../agent/delivery/log/cursor.ts';
import { Pipeline } from '../../agent/pipeline.ts';
import { exec, gap, toItem } from './support/items.ts';

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

test('lanes are told how far a batch went, also when stages leave nothing of it', (t) => {
  const through: number[] = [];
  const lane = {
    accept: (items: readonly Item[], last: number) => void through.push(items.length, last),
  } as unknown as Lane;
  const pipeline = new Pipeline([() => []], [lane]);
  pipeline.take([exec(1), exec(2), toItem({ type: 'later' })]);
  pipeline.take([gap(3, 9)]);
  t.deepEqual(through, [0, 2, 0, 9]);
});

test('a batch without a number of which nothing is left disturbs nobody', (t) => {
  const { lane, batches } = collector();
  new Pipeline([() => []], [lane]).take([toItem({ type: 'later' })]);
  t.deepEqual(batches, []);
});

/** A lane that has stored everything up to a number, or does not know. */
const storing = (last: number | undefined): { lane: Lane; begun: string[] } => {
  const begun: string[] = [];
  const lane = {
    begin: ({ bootId }: { bootId: string }) => (begun.push(bootId), last),
    accept: () => undefined,
  } as unknown as Lane;
  return { lane, begun };
};
const NUMBERING = { bootId: 'boot', firstSeq: 1, lastSeq: 99 };

test('the first number due is the lowest that any lane lacks', (t) => {
  t.is(new Pipeline([], [storing(7).lane, storing(3).lane, storing(9).lane]).begin(NUMBERING), 4);
});

test('a lane that does not know gets everything, and the others are told all the same', (t) => {
  const [a, b, c] = [storing(7), storing(undefined), storing(9)];
  t.is(new Pipeline([], [a.lane, b.lane, c.lane]).begin(NUMBERING), undefined);
  t.deepEqual(
    [a, b, c].map(({ begun }) => begun.length),
    [1, 1, 1],
  );
});

test('a lane that comes later is told of the numbering, one that was there is not told again', (t) => {
  const [stays, comes] = [storing(1), storing(undefined)];
  const pipeline = new Pipeline([], [stays.lane]);
  pipeline.begin(NUMBERING);
  pipeline.replaceLanes([stays.lane, comes.lane]);
  t.deepEqual([stays.begun, comes.begun], [['boot'], ['boot']]);
});

test('an output that never ends its write makes the source wait for a moment only', async (t) => {
  const lane = { accept: () => undefined, congestion: new Promise<void>(() => undefined) } as unknown as Lane;
  const wait = new Pipeline([], [lane]).take([exec(1)]);
  t.truthy(wait);
  const alive = setTimeout(() => undefined, 10_000);
  await wait;
  clearTimeout(alive);
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
