import test from 'ava';
import { Turns } from '../../../agent/commands/turns.ts';

test('one turn runs and one waits, however many ask', async (t) => {
  let running = 0;
  let begun = 0;
  const first = Promise.withResolvers<void>();
  const turns = new Turns(Promise.resolve(), async () => {
    t.is(++running, 1);
    const number = ++begun;
    if (number === 1) await first.promise;
    running--;
    return number;
  });
  const one = turns.ask();
  await new Promise(setImmediate);
  const more = Array.from({ length: 1000 }, () => turns.ask());
  first.resolve();
  t.is(await one, 1);
  // Whoever asked after it began learns of a turn that began later.
  t.deepEqual([...new Set(await Promise.all(more))], [2]);
  await turns.idle;
  t.is(begun, 2);
  t.is(await turns.ask(), 3);
});
