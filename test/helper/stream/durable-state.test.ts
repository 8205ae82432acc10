import test from 'ava';
import { DurableState } from '../../../helper/stream/durable-state.ts';

const COUNT = 5;
const SHAPE = 7;

function stateOf(memory: ArrayBuffer, ...values: number[]): DurableState {
  const state = new DurableState(memory, COUNT, SHAPE);
  state.values.set(values);
  return state;
}

const read = (memory: ArrayBuffer, count = COUNT, shape = SHAPE): DurableState =>
  new DurableState(memory.slice(0), count, shape);

/** The memory after each store that `commit` makes: what a successor finds when the process is killed there. */
function killedCommits(memory: ArrayBuffer, commit: () => void): ArrayBuffer[] {
  const moments: ArrayBuffer[] = [memory.slice(0)];
  const { store } = Atomics;
  const { set } = Float64Array.prototype;
  const patched: { set: unknown } = Float64Array.prototype;
  Atomics.store = ((array: Int32Array, index: number, value: number) => {
    const result = store(array, index, value);
    moments.push(memory.slice(0));
    return result;
  }) as typeof Atomics.store;
  // The copy is filled number by number.
  patched.set = function fill(this: Float64Array, values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      this[i] = values[i] as number;
      moments.push(memory.slice(0));
    }
  };
  try {
    commit();
  } finally {
    Atomics.store = store;
    patched.set = set;
  }
  return moments;
}

test('memory that holds nothing restores nothing', (t) => {
  const state = new DurableState(new ArrayBuffer(DurableState.bytesFor(COUNT)), COUNT, SHAPE);
  t.false(state.restored);
  t.deepEqual([...state.values], [0, 0, 0, 0, 0]);
});

test('what was committed is restored, what was only written is not', (t) => {
  const memory = new ArrayBuffer(DurableState.bytesFor(COUNT));
  const state = stateOf(memory, 1, 2, 3, 4, 2 ** 52 + 1);
  state.commit();
  state.values.set([9, 9, 9, 9, 9]);
  const successor = read(memory);
  t.true(successor.restored);
  t.deepEqual([...successor.values], [1, 2, 3, 4, 2 ** 52 + 1]);
});

test('a process killed at any point of a commit leaves the old state or the new one, whole', (t) => {
  const memory = new ArrayBuffer(DurableState.bytesFor(COUNT));
  const state = stateOf(memory, 1, 1, 1, 1, 1);
  state.commit();
  for (let round = 2; round < 6; round++) {
    state.values.fill(round);
    const moments = killedCommits(memory, () => state.commit());
    t.true(moments.length > COUNT + 1);
    const found = moments.map((moment) => {
      const successor = read(moment);
      t.true(successor.restored);
      t.is(new Set(successor.values).size, 1, `a mixture: ${[...successor.values].join(' ')}`);
      return successor.values[0];
    });
    t.is(found[0], round - 1);
    t.is(found.at(-1), round);
    t.deepEqual(found, found.toSorted(), 'once new, never old again');
  }
});

test('a process killed at any point of the first commit leaves nothing or the state, whole', (t) => {
  const memory = new ArrayBuffer(DurableState.bytesFor(COUNT));
  const state = stateOf(memory, 4, 4, 4, 4, 4);
  const moments = killedCommits(memory, () => state.commit());
  for (const moment of moments) {
    const successor = read(moment);
    t.deepEqual([...successor.values], successor.restored ? [4, 4, 4, 4, 4] : [0, 0, 0, 0, 0]);
  }
  t.true(read(moments.at(-1) as ArrayBuffer).restored);
});

test('a state of another shape or another count is not restored', (t) => {
  const memory = new ArrayBuffer(DurableState.bytesFor(COUNT + 1));
  stateOf(memory, 1, 2, 3, 4, 5).commit();
  t.false(read(memory, COUNT, SHAPE + 1).restored);
  t.false(read(memory, COUNT + 1, SHAPE).restored);
  t.false(read(memory, COUNT - 1, SHAPE).restored);
  t.deepEqual([...read(memory, COUNT, SHAPE + 1).values], [0, 0, 0, 0, 0]);
});

test('it keeps to the bytes it asks for', (t) => {
  const memory = new ArrayBuffer(DurableState.bytesFor(COUNT) + 64);
  new Uint8Array(memory).fill(0xee, DurableState.bytesFor(COUNT));
  const state = stateOf(memory, 1, 2, 3, 4, 5);
  state.commit();
  state.commit();
  t.true(new Uint8Array(memory, DurableState.bytesFor(COUNT)).every((byte) => byte === 0xee));
});
