import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { BookmarkWriter } from '../../../agent/delivery/bookmark-writer.ts';
import type { Position } from '../../../agent/events/position.ts';
import type { SealState } from '../../../agent/events/seal-state.ts';
import type { Bookmark } from '../../../agent/outputs/output.ts';

const at = (last: number, bootId = 'a'): Position => ({ bootId, last });
const SEALS = { seal: 3 } as unknown as SealState;

function bookmark(): Bookmark & { readonly commits: Position[]; readonly loads: string[] } {
  const [commits, loads]: [Position[], string[]] = [[], []];
  return {
    commits,
    loads,
    async load() {
      loads.push('position');
      return at(7);
    },
    async loadSeals() {
      loads.push('seals');
      return SEALS;
    },
    commit(position) {
      commits.push(position);
      return undefined;
    },
  };
}

test('a bookmark is read once, its seals only where the output seals', async (t) => {
  const [sealed, unsealed] = [bookmark(), bookmark()];
  const [sealing, plain] = [new BookmarkWriter(sealed), new BookmarkWriter(unsealed)];
  t.is(sealing.position, undefined);
  for (let i = 0; i < 2; i++) {
    await sealing.load(true);
    await plain.load(false);
  }
  t.deepEqual([sealing.position, sealing.seals], [at(7), SEALS]);
  t.deepEqual([plain.position, plain.seals], [at(7), undefined]);
  t.deepEqual([sealed.loads, unsealed.loads], [['position', 'seals'], ['position']]);
});

test('what passes is due later, once, and only where it is ahead of the bookmark', async (t) => {
  const kept = bookmark();
  const writer = new BookmarkWriter(kept, 1);
  let due = 0;
  const passed = async (position: Position | undefined): Promise<void> => {
    for (let i = 0; i < 3; i++) writer.passed(position, () => due++);
    await delay(20);
  };
  await passed(undefined);
  t.is(due, 0);
  await passed(at(10));
  t.deepEqual([due, writer.passedIsDue], [1, true]);
  writer.commitPassed(at(12));
  t.deepEqual([kept.commits, writer.passedIsDue], [[at(12)], false]);
  await passed(at(12));
  await passed(at(11));
  t.is(due, 1);
  await passed(at(1, 'another boot'));
  t.is(due, 2);
});

test('the bookmark moves forward alone with what passes, and with each batch as it says', (t) => {
  const kept = bookmark();
  const writer = new BookmarkWriter(kept);
  writer.commit(at(20));
  writer.commitPassed(at(20));
  writer.commitPassed(at(19));
  writer.commitPassed(undefined);
  t.deepEqual(kept.commits, [at(20)]);
  writer.commitPassed(at(21));
  t.deepEqual(kept.commits, [at(20), at(21)]);
});

test('at the end what passed is due at once', (t) => {
  const kept = bookmark();
  const writer = new BookmarkWriter(kept);
  writer.passed(at(5), () => t.fail('the timer is gone'));
  writer.hurry();
  t.true(writer.passedIsDue);
  writer.commitPassed(at(5));
  t.deepEqual(kept.commits, [at(5)]);
});

test('an output without a bookmark has nothing to read or to move', async (t) => {
  const writer = new BookmarkWriter(undefined, 1);
  await writer.load(true);
  t.is(writer.position, undefined);
  writer.passed(at(5), () => t.fail('there is nothing to move'));
  await delay(20);
  t.is(writer.commit(at(5)), undefined);
});
