import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { untilInterrupted } from '../../../agent/commands/interrupted.ts';

// The signal can take a while to arrive, and a signal handler does not keep the process alive. In a command, its input and output do.
const alive = setInterval(() => undefined, 1000);
test.after.always(() => clearInterval(alive));

/** Asks this process to end, as Ctrl-C does. */
const interrupt = (): boolean => process.kill(process.pid, 'SIGINT');

test.serial('work that is asked to end writes what it has begun to write', async (t) => {
  let written = false;
  const ended = untilInterrupted(async (signal) => {
    interrupt();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await delay(50);
    written = true;
  });
  t.is(await ended, undefined);
  t.true(written);
});

test.serial('its complaint about that is no error', async (t) => {
  const ended = untilInterrupted(async (signal) => {
    interrupt();
    await delay(60_000, undefined, { signal });
  });
  t.is(await ended, undefined);
});

test.serial('an error before that is one', async (t) => {
  await t.throwsAsync(
    untilInterrupted(async () => {
      throw new Error('the agent is away');
    }),
    { message: 'the agent is away' },
  );
});

test.serial('work that cannot end is abandoned', async (t) => {
  const never = Promise.withResolvers<never>();
  const ended = untilInterrupted(() => {
    interrupt();
    return never.promise;
  });
  t.is(await ended, undefined);
});
