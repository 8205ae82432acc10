import test from 'ava';
import { HelperState } from '../../../helper/stream/state.ts';

const COUNTERS = 8;
const freshMemory = (): ArrayBuffer => new ArrayBuffer(HelperState.bytesFor(COUNTERS));

test('a new numbering has given no number yet and lost nothing', (t) => {
  const state = new HelperState(freshMemory(), COUNTERS);
  t.false(state.restored);
  state.begin(7_300_067, { seconds: 100, nanoseconds: 5 });
  t.is(state.firstSeq, 7_300_067);
  t.is(state.lastSeq, 7_300_066);
  t.deepEqual(state.epoch, { seconds: 100, nanoseconds: 5 });
  t.is(state.tail, 0);
  t.is(state.head, 0);
  for (let counter = 0; counter < COUNTERS; counter++) t.is(state.nextNumber(counter) + state.lost(counter), 0);
});

test('a numbering that was begun is found by a successor without a further commit', (t) => {
  const memory = freshMemory();
  new HelperState(memory, COUNTERS).begin(5, { seconds: 1, nanoseconds: 2 });
  const successor = new HelperState(memory, COUNTERS);
  t.true(successor.restored);
  t.is(successor.firstSeq, 5);
  t.is(successor.lastSeq, 4);
});

test('every number has a place of its own and survives', (t) => {
  const memory = freshMemory();
  const state = new HelperState(memory, COUNTERS);
  state.begin(1000, { seconds: 1, nanoseconds: 2 });
  state.tail = 3;
  state.head = 4;
  state.lastSeq = 2000;
  for (let counter = 0; counter < COUNTERS; counter++) {
    state.setNextNumber(counter, 100 + counter);
    state.setLost(counter, 200 + counter);
  }
  state.commit();
  const successor = new HelperState(memory, COUNTERS);
  t.deepEqual(
    [successor.tail, successor.head, successor.firstSeq, successor.lastSeq, successor.epoch],
    [3, 4, 1000, 2000, { seconds: 1, nanoseconds: 2 }],
  );
  for (let counter = 0; counter < COUNTERS; counter++) {
    t.is(successor.nextNumber(counter), 100 + counter);
    t.is(successor.lost(counter), 200 + counter);
  }
});

test('a state for another number of processors is not taken over', (t) => {
  const memory = new ArrayBuffer(HelperState.bytesFor(COUNTERS + 4));
  new HelperState(memory, COUNTERS).begin(5, { seconds: 1, nanoseconds: 2 });
  t.false(new HelperState(memory, COUNTERS + 4).restored);
});
