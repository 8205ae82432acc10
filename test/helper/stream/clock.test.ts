import test from 'ava';
import * as fc from 'fast-check';
import { CLOCK_FOLLOW_MS, CLOCK_STEP_MS } from '../../../helper/limits.ts';
import { Clock, readBootEpoch, type Moment, type SystemClocks } from '../../../helper/stream/clock.ts';

const clocksAt = (boot: Moment, wall: Moment): SystemClocks => ({ boot: () => boot, wall: () => wall });
const anyMoment = fc.record({
  seconds: fc.integer({ min: 0, max: 4_000_000_000 }),
  nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
});
const nanosecondsOf = ({ seconds, nanoseconds }: Moment): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);

test('boot epoch plus boot clock is the wall clock, to the nanosecond', (t) => {
  fc.assert(
    fc.property(anyMoment, anyMoment, (boot, epoch) => {
      const total = nanosecondsOf(boot) + nanosecondsOf(epoch);
      const wall = { seconds: Number(total / 1_000_000_000n), nanoseconds: Number(total % 1_000_000_000n) };
      const clocks = clocksAt(boot, wall);
      t.deepEqual(readBootEpoch(clocks), epoch);
      t.deepEqual(new Clock(clocks, epoch).fromBoot(boot.seconds, boot.nanoseconds), wall);
    }),
  );
});

test('nanoseconds that reach a whole second carry into the seconds', (t) => {
  const clock = new Clock(clocksAt({ seconds: 0, nanoseconds: 0 }, { seconds: 0, nanoseconds: 0 }), {
    seconds: 100,
    nanoseconds: 600_000_000,
  });
  t.deepEqual(clock.fromBoot(1, 399_999_999), { seconds: 101, nanoseconds: 999_999_999 });
  t.deepEqual(clock.fromBoot(1, 400_000_000), { seconds: 102, nanoseconds: 0 });
});

test('a time has nine digits of a second, whatever their value', (t) => {
  const clock = new Clock(clocksAt({ seconds: 0, nanoseconds: 0 }, { seconds: 0, nanoseconds: 0 }), {
    seconds: 0,
    nanoseconds: 0,
  });
  t.is(clock.format({ seconds: 1_678_886_400, nanoseconds: 0 }), '2023-03-15T13:20:00.000000000Z');
  t.is(clock.format({ seconds: 1_678_886_400, nanoseconds: 7 }), '2023-03-15T13:20:00.000000007Z');
  t.is(clock.format({ seconds: 1_678_886_400, nanoseconds: 123_456_789 }), '2023-03-15T13:20:00.123456789Z');
  t.is(clock.format({ seconds: 0, nanoseconds: 0 }), '1970-01-01T00:00:00.000000000Z');
});

test('the text of a second that is remembered is not used for another second', (t) => {
  const clock = new Clock(clocksAt({ seconds: 0, nanoseconds: 0 }, { seconds: 0, nanoseconds: 0 }), {
    seconds: 0,
    nanoseconds: 0,
  });
  fc.assert(
    fc.property(fc.array(anyMoment, { minLength: 1 }), (moments) => {
      for (const moment of moments) {
        const expected = new Date(moment.seconds * 1000)
          .toISOString()
          .replace('.000Z', `.${String(moment.nanoseconds).padStart(9, '0')}Z`);
        t.is(clock.format(moment), expected);
      }
    }),
  );
});

/** Clocks that tests set, in milliseconds; each reading of one takes `slowness`. */
class SetClocks {
  bootMs = 10_000;
  offsetMs = 1_678_886_390_000;
  slowness = 0;
  readonly clocks: SystemClocks = {
    boot: () => this.#read(0),
    wall: () => this.#read(this.offsetMs),
  };
  #read(offset: number): Moment {
    const ms = this.bootMs + offset;
    this.bootMs += this.slowness;
    return { seconds: Math.floor(ms / 1000), nanoseconds: (ms % 1000) * 1_000_000 };
  }
}
const DAY_MS = 86_400_000;
const millisecondsOf = ({ seconds, nanoseconds }: Moment): number => seconds * 1000 + nanoseconds / 1_000_000;

test('a wall clock that is stepped is followed from the next look on, and the step is told', (t) => {
  for (const step of [DAY_MS, -DAY_MS, CLOCK_STEP_MS, -CLOCK_STEP_MS]) {
    const set = new SetClocks();
    const clock = new Clock(set.clocks, readBootEpoch(set.clocks));
    t.is(clock.look(), undefined);
    set.bootMs += 900;
    set.offsetMs += step;
    t.is(clock.now(), '2023-03-15T13:20:00.900000000Z', 'until someone looks');
    set.bootMs += 100;
    const told = clock.look();
    t.is(clock.format(told?.from as Moment), '2023-03-15T13:20:01.000000000Z');
    t.is(millisecondsOf(told?.to as Moment), millisecondsOf(told?.from as Moment) + step);
    t.deepEqual(told?.since, { seconds: 10, nanoseconds: 0 });
    t.is(clock.now(), clock.format(clock.wall()));
    t.deepEqual(clock.epoch, readBootEpoch(set.clocks));
    t.is(clock.look(), undefined, 'once');
  }
});

test('what was before the last look at the old time keeps it, whenever it is read', (t) => {
  const set = new SetClocks();
  const clock = new Clock(set.clocks, readBootEpoch(set.clocks));
  clock.look();
  set.bootMs += 1000;
  set.offsetMs += DAY_MS;
  clock.look();
  t.is(clock.format(clock.fromBoot(9, 999_999_999)), '2023-03-15T13:19:59.999999999Z');
  t.is(clock.format(clock.fromBoot(10, 0)), '2023-03-16T13:20:00.000000000Z');
});

test('a successor that finds the clock stepped goes over to the new time for all, since nobody saw when it was', (t) => {
  const set = new SetClocks();
  const epoch = readBootEpoch(set.clocks);
  set.offsetMs += DAY_MS;
  const clock = new Clock(set.clocks, epoch);
  const told = clock.look();
  t.is(told?.since, undefined);
  t.is(millisecondsOf(told?.to as Moment) - millisecondsOf(told?.from as Moment), DAY_MS);
  t.is(clock.format(clock.fromBoot(5, 0)), '2023-03-16T13:19:55.000000000Z');
});

test('a wall clock that drifts is followed without word, and small trembling not at all', (t) => {
  const set = new SetClocks();
  const clock = new Clock(set.clocks, readBootEpoch(set.clocks));
  for (let second = 0; second < 100; second++) {
    set.bootMs += 1000;
    set.offsetMs += 90;
    t.is(clock.look(), undefined);
    t.is(clock.now(), clock.format(clock.wall()));
  }
  set.offsetMs += CLOCK_FOLLOW_MS - 1;
  const { epoch } = clock;
  t.is(clock.look(), undefined);
  t.deepEqual(clock.epoch, epoch);
});

test('a process that stands still between its readings takes that for no step and no drift', (t) => {
  const set = new SetClocks();
  const clock = new Clock(set.clocks, readBootEpoch(set.clocks));
  const { epoch } = clock;
  set.slowness = 5000;
  t.is(clock.look(), undefined);
  t.deepEqual(clock.epoch, epoch);
  set.offsetMs += DAY_MS;
  t.not(clock.look(), undefined, 'a step that is larger is one');
});

test('whatever the wall clock does, an event has the time of its moment within a second', (t) => {
  const moves = fc.array(
    fc.record({
      wait: fc.integer({ min: 1, max: 1000 }),
      move: fc.oneof(fc.integer({ min: -600, max: 600 }), fc.integer({ min: -DAY_MS, max: DAY_MS }), fc.constant(0)),
      eventAt: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { maxLength: 50 },
  );
  fc.assert(
    fc.property(moves, (steps) => {
      const set = new SetClocks();
      const clock = new Clock(set.clocks, readBootEpoch(set.clocks));
      clock.look();
      for (const { wait, move, eventAt } of steps) {
        // Within one wait between two looks: an event, and the wall clock moves.
        const event = set.bootMs + Math.floor(eventAt * wait);
        const before = event + set.offsetMs;
        set.bootMs += wait;
        set.offsetMs += move;
        clock.look();
        const told = millisecondsOf(clock.fromBoot(Math.floor(event / 1000), (event % 1000) * 1_000_000));
        // Of a moment as near to the step as the two looks, either time is right.
        const offBy = Math.min(Math.abs(told - before), Math.abs(told - before - move));
        t.true(offBy <= 1000, `${offBy} ms`);
      }
    }),
  );
});
