import test from 'ava';
import { Pacer } from '../../../../agent/outputs/network/pacer.ts';

test('records go at the rate at most, and what is slower never waits', async (t) => {
  let now = 0;
  const pacer = new Pacer(1000, () => now);
  for (now = 0; now < 1000; now += 100) {
    const begun = performance.now();
    await pacer.wait(100);
    t.true(performance.now() - begun < 50, 'it is not faster than the rate');
  }
  now = 60_000;
  await pacer.wait(100);
  const begun = performance.now();
  // Time that passed without records is not saved up.
  await pacer.wait(100);
  t.true(performance.now() - begun >= 95);
});
