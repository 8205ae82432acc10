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
  const steps = fc.array(
    fc.record({ ms: fc.integer({ min: 0, max: 3000 }), records: fc.integer({ min: 1, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 2000,
      size: 'max',
    },
  );
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const ages = new Ages();
      const cameAt: number[] = [];
      let now = 0;
      for (const { ms, records } of all) {
        now += ms;
        for (let i = 0; i < records; i++) cameAt.push(now);
        ages.cameIn(cameAt.length, now);
      }
      const record = Math.min(cameAt.length - 1, Math.floor(share * cameAt.length));
      const whole = now - cameAt[0]!;
      const excess = ages.ofRecord(record, now) - (now - cameAt[record]!);
      return excess >= 0 && excess <= Math.max(100, whole / 20 + 3000);
    }),
    { numRuns: 200 },
  );
  t.pass();
});
