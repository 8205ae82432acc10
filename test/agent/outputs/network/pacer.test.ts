import test from 'ava';
import { Pacer } from '../../../../agent/outputs/network/pacer.ts';

test('records go at the rate at most, and what is slower never waits', async (t) => {
  let now = 0;
  const waits: number[] = [];
  const pacer = new Pacer(
    1000,
    () => now,
    async (ms) => void waits.push(ms),
  );
  for (now = 0; now < 1000; now += 100) await pacer.wait(100);
  t.deepEqual(waits, [], 'it is not faster than the rate');
  now = 60_000;
  await pacer.wait(100);
  t.deepEqual(waits, []);
  // Time that passed without records is not saved up.
  await pacer.wait(300);
  await pacer.wait(100);
  t.deepEqual(waits, [100, 400]);
});

test('a long wait is whole, in pieces of a minute, and each says that it goes on', async (t) => {
  let now = 0;
  let told = 0;
  const waits: number[] = [];
  const pacer = new Pacer(
    1,
    () => now,
    async (ms) => {
      waits.push(ms);
      now += ms;
    },
  );
  await pacer.wait(150);
  await pacer.wait(1, () => told++);
  t.deepEqual(waits, [60_000, 60_000, 30_000]);
  t.is(told, 3);
});
