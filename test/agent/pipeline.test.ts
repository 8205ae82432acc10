import test from 'ava';
import type { Log } from '../../agent/delivery/log/log.ts';
import type { Item } from '../../agent/events/item.ts';
import type { Stage } from '../../agent/events/stage.ts';
import { Pipeline } from '../../agent/pipeline.ts';
import { exec, gap, toItem } from './support/items.ts';

/** A pipeline whose log remembers what was appended. */
function pipeline(stages: readonly Stage[], congestion?: Promise<unknown>) {
  const appended: Array<{ items: readonly Item[]; through: number | undefined }> = [];
  const log = { append: (items, through) => void appended.push({ items, through }) } as Pick<Log, 'append'> as Log;
  return { pipeline: new Pipeline({ stages, log, congestion: () => congestion }), appended };
}

test('stages work in order, and the log gets what they leave, once', (t) => {
  const { pipeline: p, appended } = pipeline([(batch) => batch.slice(1), (batch) => batch.toReversed()]);
  const [one, two, three] = [exec(1), exec(2), exec(3)];
  t.is(p.take([one, two, three]), undefined);
  t.deepEqual(appended, [{ items: [three, two], through: 3 }]);
});

test('the log is told how far a batch went, also when stages leave nothing of it', (t) => {
  const { pipeline: p, appended } = pipeline([() => []]);
  p.take([exec(1), exec(2), toItem({ type: 'later' })]);
  p.take([gap(3, 9)]);
  p.take([toItem({ type: 'later' })]);
  t.deepEqual(
    appended.map(({ items, through }) => [items.length, through]),
    [
      [0, 2],
      [0, 9],
      [0, -1],
    ],
  );
});

test('an output that never ends its send makes the source wait for a moment only', async (t) => {
  const { pipeline: p } = pipeline([], new Promise(() => undefined));
  const wait = p.take([exec(1)]);
  t.truthy(wait);
  const alive = setTimeout(() => undefined, 10_000);
  await wait;
  clearTimeout(alive);
});
