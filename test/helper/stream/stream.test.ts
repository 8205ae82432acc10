import test from 'ava';
import * as fc from 'fast-check';
import type { EventSource } from '../../../helper/stream/event-source.ts';
import { helloMaker } from '../../../helper/stream/hello.ts';
import { Clock } from '../../../helper/stream/clock.ts';
import { linuxClocks } from '../../../helper/linux/forward/clocks.ts';
import { Backlog } from '../../../helper/pipe/backlog.ts';
import { HelperState } from '../../../helper/stream/state.ts';
import { EventStream, type LineBuilder } from '../../../helper/stream/stream.ts';
import type { HelloEvent } from '../../../shared/events/hello.ts';
import type { GapEvent } from '../../../shared/events/gap.ts';
import { checkEvent } from '../../../shared/events/parse.ts';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { FakeKernel } from '../../support/fake-kernel.ts';

function streamOf(capacity = 1024 * 1024) {
  const memory = new ArrayBuffer(HelperState.bytesFor(4));
  const state = new HelperState(memory, 4);
  state.begin(1000, { seconds: 1_678_886_400, nanoseconds: 0 });
  let commits = 0;
  const backlog = new Backlog(Buffer.alloc(capacity), state, () => {
    commits++;
    state.commit();
  });
  const kernel = new FakeKernel();
  kernel.boot = { seconds: 0, nanoseconds: 42 };
  const clock = new Clock(linuxClocks(kernel.libc), state.epoch);
  const stream = new EventStream(backlog, state, clock);
  const text = (): string =>
    Buffer.concat([
      backlog.peek(backlog.tail, capacity),
      backlog.peek(backlog.tail + backlog.peek(backlog.tail, capacity).length, capacity),
    ]).toString();
  return {
    memory,
    state,
    backlog,
    stream,
    clock,
    kernel,
    text,
    lines: () => text().split('\n').slice(0, -1),
    commits: () => commits,
  };
}

const numbered: LineBuilder = (seq) => `{"seq":${seq}}\n`;

test('events get the numbers from the first on, without a hole', (t) => {
  const { stream, lines, state } = streamOf();
  for (let i = 0; i < 3; i++) stream.event(numbered);
  t.deepEqual(lines(), ['{"seq":1000}', '{"seq":1001}', '{"seq":1002}']);
  t.is(state.lastSeq, 1002);
});

test('a gap takes the numbers of what is lost', (t) => {
  const { stream, lines, state } = streamOf();
  stream.event(numbered);
  stream.gap('ring', 64, 'ring_full');
  stream.event(numbered);
  t.is(state.lastSeq, 1065);
  const gap = checkEvent(JSON.parse(lines()[1] ?? ''));
  t.deepEqual(gap as GapEvent, {
    type: 'gap',
    time: '2023-03-15T13:20:00.000000042Z',
    hop: 'ring',
    first: 1001,
    last: 1064,
    count: 64,
    cause: 'ring_full',
  });
  t.is(lines()[2], '{"seq":1065}');
});

test('for any events and gaps every number is said exactly once, in order', (t) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000_000 }))), (steps) => {
      const { stream, lines, state } = streamOf();
      for (const count of steps) {
        if (count === 0) stream.event(numbered);
        else stream.gap('ring', count, 'ring_full');
      }
      let next = 1000;
      for (const line of lines()) {
        const { seq, first = seq, last = seq, count = 1 } = JSON.parse(line) as Record<string, number>;
        t.is(first, next);
        t.is((last as number) - (first as number) + 1, count);
        next = (last as number) + 1;
      }
      t.is(state.lastSeq, next - 1);
    }),
    { numRuns: 50 },
  );
});

test('the builder is told the room: the backlog, or the longest line of the protocol where that is less', (t) => {
  const rooms: number[] = [];
  const note: LineBuilder = (_seq, room) => {
    rooms.push(room());
    return '{}\n';
  };
  streamOf(1000).stream.event(note);
  streamOf(MAX_LINE_BYTES + 4096).stream.event(note);
  t.deepEqual(rooms, [1000, MAX_LINE_BYTES]);
});

test('lines around the size of the scratch memory arrive whole, in every kind of text', (t) => {
  for (const character of ['x', 'é', '€', '😀']) {
    for (const units of [65536 / 3 - 2, 65536 / 3 - 1, 65536 / 3, 65536 / 3 + 1, 65535, 65536, 65537, 100_000]) {
      const { stream, text } = streamOf();
      const line = `"${character.repeat(Math.floor(units / character.length))}"\n`;
      stream.event(() => line);
      stream.event(numbered);
      t.true(text() === `${line}{"seq":1001}\n`, `${character} ${units}`);
    }
  }
});

test('a line in pieces is one line, wherever the memory ends, and pushes out older ones', (t) => {
  const { stream, lines, state } = streamOf(1000);
  for (let i = 0; i < 60; i++) {
    stream.event(numbered);
    const pieces = ['{"seq":', Buffer.from(`${state.lastSeq + 1}`), `,"x":"${'é'.repeat(i)}"`, '}\n'].map((piece) =>
      typeof piece === 'string' ? Buffer.from(piece).toString('latin1') : piece,
    );
    stream.event(() => ({ bytes: pieces.reduce((sum, { length }) => sum + length, 0), pieces }));
    const held = lines().map((line) => JSON.parse(line) as { seq: number; x?: string });
    t.is(held.at(-1)?.x, 'é'.repeat(i));
    t.deepEqual(
      held.map(({ seq }) => seq),
      held.map((_, at) => state.lastSeq - held.length + 1 + at),
    );
  }
});

test('a state that is committed while room is made does not count the line for which it is made', (t) => {
  const { stream, state, memory, commits } = streamOf(300);
  while (commits() === 0) stream.event((seq) => `{"seq":${seq},"x":"${'x'.repeat(30)}"}\n`);
  const successor = new HelperState(memory, 4);
  t.is(successor.lastSeq, state.lastSeq - 1);
  t.true(successor.head < state.head);
  t.is(successor.tail, state.tail);
});

test('a builder that throws takes no number and leaves no byte', (t) => {
  const { stream, state, text } = streamOf();
  t.throws(() =>
    stream.event(() => {
      throw new Error('no');
    }),
  );
  t.is(state.lastSeq, 999);
  t.is(text(), '');
});

test('a step of the wall clock is said between the numbers, committed, and once', (t) => {
  const { stream, state, kernel, memory, lines, commits } = streamOf();
  kernel.wall = { seconds: 1_678_886_400, nanoseconds: 42 };
  stream.followClock();
  stream.event(numbered);
  t.is(lines().length, 1);
  kernel.boot = { seconds: 1, nanoseconds: 0 };
  kernel.wall = { seconds: 1_678_886_400 + 86_401, nanoseconds: 0 };
  const before = commits();
  stream.followClock();
  stream.followClock();
  t.is(commits(), before, 'by the stream, not for want of room');
  const successor = new HelperState(memory, 4);
  t.deepEqual(successor.epoch, { seconds: 1_678_886_400 + 86_400, nanoseconds: 0 });
  t.is(successor.head, state.head);
  stream.event(numbered);
  t.deepEqual(
    lines().map((line) => JSON.parse(line) as unknown),
    [
      { seq: 1000 },
      {
        type: 'clock',
        time: '2023-03-16T13:20:01.000000000Z',
        from: '2023-03-15T13:20:01.000000000Z',
        to: '2023-03-16T13:20:01.000000000Z',
        from_seq: 1001,
        since: 0,
      },
      { seq: 1001 },
    ],
  );
  checkEvent(JSON.parse(lines()[1] ?? ''));
});

test('a drift is followed without a line, and the next helper goes on with it', (t) => {
  const { stream, state, kernel, memory, lines } = streamOf();
  kernel.wall = { seconds: 1_678_886_400, nanoseconds: 300_000_042 };
  stream.followClock();
  stream.event(numbered);
  state.commit();
  t.deepEqual(lines(), ['{"seq":1000}']);
  t.deepEqual(new HelperState(memory, 4).epoch, { seconds: 1_678_886_400, nanoseconds: 300_000_000 });
});

test('hello names the number that follows, also when word of the clock is the oldest line', (t) => {
  const { stream, state, kernel, backlog, clock } = streamOf();
  kernel.wall = { seconds: 5, nanoseconds: 0 };
  stream.followClock();
  const hello = helloMaker(
    { source: { description: {} } as EventSource, backlog, state, clock },
    {} as HelloEvent['privileges'],
  );
  t.is((JSON.parse(hello()) as HelloEvent).oldest_held_seq, 1000);
});
