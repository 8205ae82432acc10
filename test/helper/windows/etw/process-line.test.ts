import test from 'ava';
import fc from 'fast-check';
import { Clock } from '../../../../helper/stream/clock.ts';
import type { DevicePaths } from '../../../../helper/windows/device-paths.ts';
import { ProcessLines } from '../../../../helper/windows/etw/process-line.ts';
import type { ExecEvent } from '../../../../shared/events/exec.ts';
import { CLASSIC, START } from '../../../support/etw-payloads.ts';
import { parseEvent } from '../../../support/events.ts';

const still = { seconds: 1, nanoseconds: 0 };
const lines = (): ProcessLines =>
  new ProcessLines(
    new Clock({ boot: () => still, wall: () => still }, { seconds: 0, nanoseconds: 0 }),
    { toDrivePath: (path: string) => path } as unknown as DevicePaths,
    () => ({}),
  );

test('an agent reads the event whatever its times are, and a time that has no exact number is left out', (t) => {
  const times = fc.oneof(fc.constantFrom(0n, 1n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n));
  fc.assert(
    fc.property(times, times, fc.boolean(), (time, created, whole) => {
      const builder = lines();
      const start = { ...START, created };
      const joined = whole ? { time, start, classic: undefined } : { time, start: undefined, classic: CLASSIC };
      parseEvent(builder.build(joined)(1, () => 1 << 20));
      // Its child tells when it was made.
      const child = { ...START, sequence: 901n, parentSequence: START.sequence };
      parseEvent(builder.build({ time, start: child, classic: undefined })(2, () => 1 << 20));
    }),
  );
  const event = parseEvent(
    lines().build({ time: START.created, start: { ...START, created: 2n ** 63n }, classic: undefined })(1, () => 1e6),
  ) as ExecEvent;
  t.is(event.start_time, undefined);
  t.is(event.pid, START.pid);
});
