import test from 'ava';
import { Clock } from '../../../../helper/stream/clock.ts';
import { linuxClocks } from '../../../../helper/linux/forward/clocks.ts';
import { forkLine } from '../../../../helper/linux/source/fork-line.ts';
import { FLAG_EXE_CUT, KIND } from '../../../../helper/linux/source/record.ts';
import type { ForkEvent } from '../../../../shared/events/fork.ts';
import { EPOCH } from '../../../support/exec-lines.ts';
import { parseEvent } from '../../../support/events.ts';
import { execRecord, type RecordFields } from '../../../support/exec-record.ts';
import { FakeKernel } from '../../../support/fake-kernel.ts';
import { Sensor } from '../../../support/sensor.ts';

/** A record as the probe sends it: the paths of an exec are missing, except the image's. */
const record = (fields: RecordFields = {}): Buffer => {
  const whole = execRecord({ ...fields, kind: KIND.fork });
  return whole.subarray(0, 176 + whole.readUInt32LE(148));
};

function forkOf(fields: RecordFields = {}): ForkEvent {
  const memory = Buffer.concat([Buffer.alloc(8), record(fields), Buffer.alloc(8)]);
  const bytes = Buffer.from(Uint8Array.from(memory).buffer);
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >>> 2);
  const line = forkLine(words, bytes, 8, 7, new Clock(linuxClocks(new FakeKernel().libc), EPOCH));
  requireOneLine(line);
  return parseEvent(line.slice(0, -1)) as ForkEvent;
}

function requireOneLine(line: string): void {
  if (!line.endsWith('}\n') || line.indexOf('\n') !== line.length - 1) throw new Error(`not one line: ${line}`);
}

test('a fork is told with its parent, its image and its start', (t) => {
  t.deepEqual(forkOf({ nanoseconds: 5, startTime: 2 ** 40 + 3, parentStartTime: 2 ** 33 + 1 }), {
    type: 'fork',
    pid: 12345,
    timestamp: 1678886400,
    seq: 7,
    time: '2023-03-15T13:20:00.000000005Z',
    ppid: 12001,
    exe: '/usr/bin/npm',
    comm: 'npm',
    start_time: 2 ** 40 + 3,
    parent: { pid: 12001, start_time: 2 ** 33 + 1 },
    source: 'ebpf',
  });
});

test('an image without a file, one too deep, and names that are no text are told as such', (t) => {
  t.false('exe' in forkOf({ exe: undefined }));
  t.like(forkOf({ exe: 'x/deep/path', flags: FLAG_EXE_CUT }), { exe: 'x/deep/path', flags: ['exe_truncated'] });
  const bytes = Buffer.from([0x2f, 0x62, 0xff, 0x64]);
  t.like(forkOf({ exe: bytes, comm: bytes.subarray(1) }), {
    exe: '/b\ufffdd',
    comm: 'b\ufffdd',
    raw: { exe: bytes.toString('base64'), comm: bytes.subarray(1).toString('base64') },
  });
  t.is(forkOf({ comm: 'a comm of 16 byt' }).comm, 'a comm of 16 byt');
});

test('forks have numbers of their own, and their losses become gaps', (t) => {
  const kernel = new FakeKernel({ cpus: 2 });
  const sensor = new Sensor(kernel);
  const counter = 5 + KIND.fork;
  kernel.output(record({ cpu: 1, number: kernel.increment(counter, 'events'), pid: 1 }));
  kernel.increment(counter, 'events');
  kernel.increment(counter, 'lost');
  kernel.output(execRecord({ cpu: 1, number: kernel.increment(5, 'events'), pid: 2 }));
  kernel.output(record({ cpu: 1, number: kernel.increment(counter, 'events'), pid: 3 }));
  kernel.output(record({ cpu: 1, number: 3, pid: 4 }).subarray(0, 175));
  sensor.settle();
  t.is(sensor.summary(), '1 2 5002-5002:ring_full 3');
  t.is(sensor.counts.events, 4);
});
