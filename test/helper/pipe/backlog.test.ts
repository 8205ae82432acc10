import test from 'ava';
import * as fc from 'fast-check';
import { Backlog, type BacklogBounds } from '../../../helper/pipe/backlog.ts';

function backlogOf(capacity: number, bounds: BacklogBounds = { tail: 0, head: 0 }) {
  const data = Buffer.alloc(capacity);
  const calls: { tail: number; head: number; bytes: Buffer }[] = [];
  const backlog = new Backlog(data, bounds, () => calls.push({ ...bounds, bytes: Buffer.from(data) }));
  const add = (line: string): void => {
    const bytes = Buffer.from(line);
    backlog.makeRoom(bytes.length);
    backlog.append(bytes);
  };
  return { backlog, bounds, data, calls, add };
}

/** All that is held, put together from pieces of at most `limit` bytes. */
function held(backlog: Backlog, limit = Number.MAX_SAFE_INTEGER): string {
  let text = '';
  for (let at = backlog.tail; at < backlog.head;) {
    const piece = backlog.peek(at, limit);
    if (piece.length === 0 || piece.length > limit) throw new Error(`a piece of ${piece.length} bytes at ${at}`);
    text += piece.toString('latin1');
    at += piece.length;
  }
  return text;
}

/** A line whose length says where it belongs and whose letters tell it from its neighbours. */
const lineOf = (bytes: number, i: number): string => `${String.fromCharCode(97 + (i % 26)).repeat(bytes - 1)}\n`;

test('for any lines in any order the backlog holds the newest, whole, and no other byte', (t) => {
  const capacity = fc.constantFrom(64, 100, 257, 1024);
  fc.assert(
    fc.property(
      capacity.chain((bytes) =>
        fc.tuple(
          fc.constant(bytes),
          fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: bytes }), fc.constant(bytes)), {
            maxLength: 60,
          }),
          fc.nat(10_000),
        ),
      ),
      ([bytes, sizes, start]) => {
        const { backlog, add, calls } = backlogOf(bytes, { tail: start, head: start });
        const all: string[] = [];
        for (const [i, size] of sizes.entries()) {
          const before = { tail: backlog.tail, head: backlog.head, calls: calls.length };
          const line = lineOf(size, i);
          add(line);
          all.push(line);
          // As many of the newest lines as it says, and at least this one.
          const text = held(backlog, (i % 7) + 1);
          t.is(text, all.join('').slice(-text.length));
          t.true(text.endsWith(line));
          t.true(text.length <= bytes);
          t.is(
            all.join('').length - text.length === 0 || all.join('').at(-text.length - 1) === '\n',
            true,
            'the tail is where a line begins',
          );
          // It forgets only when it has to.
          if (before.head + size - before.tail <= bytes) t.is(backlog.tail, before.tail);
          t.is(calls.length > before.calls, backlog.tail > before.tail, 'told exactly when the tail moved');
          t.is(backlog.oldestLine()?.toString('latin1'), text.slice(0, text.indexOf('\n')));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('its owner is told of the new tail before any byte between the old and the new one changes', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 5, maxLength: 60 }), (sizes) => {
      const { backlog, data, calls, add } = backlogOf(100);
      for (const [i, size] of sizes.entries()) {
        const oldest = backlog.tail;
        const whole = held(backlog);
        const seen = calls.length;
        add(lineOf(size, i));
        for (const call of calls.slice(seen)) {
          t.true(call.tail > oldest);
          t.is(call.head, oldest + whole.length, 'the line itself is not yet counted');
          const then = new Backlog(call.bytes, { tail: oldest, head: oldest + whole.length }, () => undefined);
          t.is(held(then), whole, 'and nothing is overwritten yet');
        }
        t.is(data.length, 100);
      }
    }),
    { numRuns: 200 },
  );
});

test('room is freed in steps, so that not every line has to free its own', (t) => {
  const { calls, add } = backlogOf(1000);
  for (let i = 0; i < 300; i++) add(lineOf(10, i));
  // 200 lines did not fit; each step frees a quarter.
  t.true(calls.length >= 7 && calls.length <= 10, `${calls.length} steps`);
});

test('a line as large as the whole backlog replaces all others', (t) => {
  const { backlog, add } = backlogOf(64);
  add('one\n');
  add('two\n');
  const large = lineOf(64, 3);
  add(large);
  t.is(held(backlog), large);
  add('next\n');
  t.is(held(backlog), 'next\n');
});

test('a line larger than the whole backlog is refused and changes nothing', (t) => {
  const { backlog, add, calls } = backlogOf(64);
  add('one\n');
  t.throws(() => backlog.makeRoom(65), { instanceOf: RangeError, message: /65.*64/ });
  t.is(held(backlog), 'one\n');
  t.is(calls.length, 0);
});

test('an empty backlog has no oldest line and nothing to show', (t) => {
  const { backlog } = backlogOf(64, { tail: 1000, head: 1000 });
  t.is(backlog.oldestLine(), undefined);
  t.is(backlog.peek(1000, 10).length, 0);
});

test('the oldest line is whole where it wraps around the end of the memory, at every place', (t) => {
  for (let start = 0; start < 64; start++) {
    const { backlog, add } = backlogOf(64, { tail: start, head: start });
    add('0123456789abcdef\n');
    add('second\n');
    t.is(backlog.oldestLine()?.toString(), '0123456789abcdef');
  }
});

test('a successor that takes over memory and bounds goes on with the same lines', (t) => {
  const first = backlogOf(100);
  for (let i = 0; i < 50; i++) first.add(lineOf(7, i));
  const successor = new Backlog(first.data, { ...first.bounds }, () => undefined);
  t.is(held(successor), held(first.backlog));
  t.is(successor.oldestLine()?.toString(), first.backlog.oldestLine()?.toString());
});

test('a long line leaves the client that is furthest on what it does not have yet', (t) => {
  const { backlog } = backlogOf(1 << 20);
  let behind = 0;
  t.is(backlog.roomForLine, 1 << 20, 'without clients nothing can be overtaken');
  backlog.follow(() => behind);
  t.is(backlog.roomForLine, 1 << 20);
  behind = 1000;
  t.is(backlog.roomForLine, (1 << 20) * (7 / 8) - 1000);
  behind = 1 << 18;
  t.is(backlog.roomForLine, 1 << 19);
  behind = 1 << 20;
  t.is(backlog.roomForLine, 8 * 1024, 'lines go on, with few arguments');
});

test('as long as it is not crowded, a line may take a quarter of the memory', (t) => {
  const { backlog } = backlogOf(1 << 20);
  let behind = 0;
  backlog.follow(() => behind);
  for (; behind <= 1 << 20; behind += 1 << 12) t.is(backlog.isCrowded, backlog.roomForLine < 1 << 18, `${behind}`);
});

test('pieces with a character for each byte are written as these bytes, at every place of the memory', (t) => {
  const piece = Buffer.from('a\x7fé日\n').toString('latin1');
  for (let start = 0; start < 40; start++) {
    const { backlog } = backlogOf(40, { tail: start, head: start });
    backlog.appendBytes(piece);
    backlog.append(Buffer.from('b\n'));
    t.is(backlog.head, start + piece.length + 2);
    t.is(held(backlog), `${piece}b\n`);
  }
});
