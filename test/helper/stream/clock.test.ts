import test from 'ava';
import * as fc from 'fast-check';
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

test('a wall clock that is stepped after start-up changes no event time', (t) => {
  const wall = { seconds: 1_678_886_400, nanoseconds: 0 };
  const boot = { seconds: 10, nanoseconds: 0 };
  const clocks = clocksAt(boot, wall);
  const clock = new Clock(clocks, readBootEpoch(clocks));
  t.is(clock.now(), '2023-03-15T13:20:00.000000000Z');
  wall.seconds -= 86_400;
  t.is(clock.now(), '2023-03-15T13:20:00.000000000Z');
  t.is(clock.format(clock.wall()), '2023-03-14T13:20:00.000000000Z');
});
