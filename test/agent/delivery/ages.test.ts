import fc from 'fast-check';
import test from 'ava';
import { Ages } from '../../../agent/delivery/ages.ts';

test('the age is that of the oldest record that is asked for', (t) => {
  const ages = new Ages();
  t.is(ages.ofRecord(0, 5), 0);
  ages.cameIn(3, 1000);
  ages.cameIn(4, 5000);
  t.is(ages.ofRecord(0, 6000), 5000);
  t.is(ages.ofRecord(2, 6000), 5000);
  t.is(ages.ofRecord(3, 6000), 1000);
  t.is(ages.ofRecord(4, 6000), 0);
  ages.cameIn(5, 7000);
  t.is(ages.ofRecord(4, 7500), 500);
});

test('an age is never too low, and too high by a twentieth, however long records wait', (t) => {
  // Numbers, of which the steps are made: a failure is then made smaller in no time.
  const shape = fc.record({
    steps: fc.integer({ min: 1, max: 5000 }),
    longestMs: fc.constantFrom(20, 300, 3000, 600_000),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    rest: fc.integer({ min: 0, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(shape, ({ steps, longestMs, seed, rest }) => {
      const ages = new Ages();
      const cameAt: number[] = [];
      let state = seed;
      const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
      let now = 0;
      for (let step = 0; step < steps; step++) {
        now += random(longestMs);
        for (let i = random(5); i >= 0; i--) cameAt.push(now);
        ages.cameIn(cameAt.length, now);
      }
      now += rest;
      return cameAt.every((came, record) => {
        const age = now - came;
        const excess = ages.ofRecord(record, now) - age;
        return excess >= 0 && excess <= 100 + age / 20;
      });
    }),
    { numRuns: 100 },
  );
  t.pass();
});

test('what is remembered is bounded: over a year, and where nothing is ever taken', (t) => {
  const ages = new Ages();
  const YEAR_MS = 365 * 86_400_000;
  let now = 0;
  for (let record = 1; now < YEAR_MS; record++) {
    now += record % 3 === 0 ? 100 : 200_000;
    ages.cameIn(record, now);
    if (record % 1000 === 0) t.true(ages.size <= 1024);
  }
});
