import test from 'ava';
import { Clock } from '../../../../helper/stream/clock.ts';
import { linuxClocks } from '../../../../helper/linux/forward/clocks.ts';
import { exitLine } from '../../../../helper/linux/source/exit-line.ts';
import type { ExitEvent } from '../../../../shared/events/exit.ts';
import { parseEvent } from '../../../support/events.ts';
import { EPOCH } from '../../../support/exec-lines.ts';
import { exitRecord, type ExitFields } from '../../../support/exec-record.ts';
import { FakeKernel } from '../../../support/fake-kernel.ts';

function exitOf(fields: ExitFields): ExitEvent {
  const record = exitRecord(fields);
  const words = new Uint32Array(Uint8Array.from([...new Uint8Array(8), ...record]).buffer);
  const line = exitLine(words, 8, 77, new Clock(linuxClocks(new FakeKernel().libc), EPOCH));
  return parseEvent(line.slice(0, -1)) as ExitEvent;
}

test('an exit record becomes this event', (t) => {
  t.deepEqual(exitOf({ seconds: 7302, nanoseconds: 500_001_999, pid: 42, status: 3 << 8, startTime: 7_300_000_000 }), {
    type: 'exit',
    pid: 42,
    timestamp: 1_678_886_400,
    time: '2023-03-15T13:20:00.500001999Z',
    start_time: 7_300_000_000,
    exit_code: 3,
    run_time: 2_500_001,
    source: 'ebpf',
    seq: 77,
  });
});

test('a process ended by itself has an exit code, one that was ended by a signal the name of it', (t) => {
  t.like(exitOf({ status: 0 }), { exit_code: 0 });
  t.like(exitOf({ status: 255 << 8 }), { exit_code: 255 });
  for (const [signal, name] of [
    [9, 'SIGKILL'],
    [15, 'SIGTERM'],
    [11, 'SIGSEGV'],
    [64, 'SIG64'],
  ] as const) {
    const event = exitOf({ status: signal });
    t.is(event.signal, name);
    t.false('exit_code' in event);
  }
  t.is(exitOf({ status: 11 | 0x80 }).signal, 'SIGSEGV', 'with a core dump too');
});

test('start times and run times beyond 32 bits are exact', (t) => {
  t.is(exitOf({ seconds: 10_000_000, startTime: 7 }).run_time, 10_000_000_000_000 - 7);
  t.is(exitOf({ seconds: 10_000_000, startTime: 2 ** 33 + 1 }).start_time, 2 ** 33 + 1);
});
