import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  AFTER_QUIET_INTERVAL_MS,
  DRAIN_INTERVAL_MS,
  MIN_DRAIN_INTERVAL_MS,
  STORM_EVENTS,
  STORM_INTERVAL_MS,
} from '../../../../helper/limits.ts';
import type { ExecEvent } from '../../../../shared/events/exec.ts';
import { moreRecord, execRecord, exitRecord, type RecordFields } from '../../../support/exec-record.ts';
import { FakeKernel } from '../../../support/fake-kernel.ts';
import { Sensor } from '../../../support/sensor.ts';

const KINDS = 5;
const EXEC_ON = (cpu: number): number => cpu * KINDS;

function sensorOf(cpus = 2) {
  const kernel = new FakeKernel({ cpus, ringBytes: 65536 });
  const sensor = new Sensor(kernel);
  const next = new Map<number, number>();
  /** Acts as the probe: counts, then finds room or, here at will, none. */
  const count = (cpu: number, kind = 0): number => {
    const number = kernel.increment(cpu * KINDS + kind, 'events');
    next.set(cpu * KINDS + kind, number + 1);
    return number;
  };
  const exec = (cpu: number, pid: number, fields: RecordFields = {}): number => {
    const number = count(cpu, fields.kind);
    if (!kernel.output(execRecord({ cpu, pid, number, ...fields }))) throw new Error('the ring is full');
    return number;
  };
  const lose = (cpu: number, kind = 0): void => {
    count(cpu, kind);
    kernel.increment(cpu * KINDS + kind, 'lost');
  };
  const chunk = (cpu: number, number: number, offset: number, text: string): void => {
    if (!kernel.output(moreRecord({ cpu, number, offset, args: Buffer.from(text) })))
      throw new Error('the ring is full');
  };
  return { kernel, sensor, exec, lose, chunk };
}

const argvOf = (sensor: Sensor, pid: number): string[] | undefined =>
  (sensor.events.find((event) => event.type === 'exec' && event.pid === pid) as ExecEvent | undefined)?.argv;

test('a hole in the numbers of one processor becomes one gap, in front of the event behind it', (t) => {
  const { sensor, exec, lose } = sensorOf();
  exec(0, 1);
  for (let i = 0; i < 3; i++) lose(0);
  exec(1, 2);
  exec(0, 3);
  sensor.drain();
  t.is(sensor.summary(), '1 2 5002-5004:ring_full 3');
  t.deepEqual(
    sensor.events.map((event) =>
      event.type === 'gap' ? [event.hop, event.first, event.last, event.count] : event.seq,
    ),
    [5000, 5001, ['ring', 5002, 5004, 3], 5005],
  );
});

test('processors and kinds are numbered apart', (t) => {
  const { sensor, exec, lose } = sensorOf();
  exec(0, 1);
  lose(0, 1);
  exec(0, 2);
  exec(0, 3, { kind: 1, error: 2 });
  exec(1, 4);
  sensor.drain();
  t.is(sensor.summary(), '1 2 5002-5002:ring_full 3 4');
});

test('losses at the very end show when the counters are compared, once', (t) => {
  const { sensor, exec, lose } = sensorOf();
  exec(0, 1);
  lose(0);
  lose(0);
  lose(1);
  sensor.drain();
  t.is(sensor.summary(), '1', 'a later event could still show them');
  sensor.settle();
  t.is(sensor.summary(), '1 5001-5002:ring_full 5003-5003:ring_full');
  sensor.settle();
  exec(0, 2);
  exec(1, 3);
  sensor.settle();
  t.is(sensor.summary(), '1 5001-5002:ring_full 5003-5003:ring_full 2 3', 'and are not said again');
});

test('events that are in the ring while the counters are compared come before the losses behind them', (t) => {
  const { sensor, exec, lose } = sensorOf();
  lose(0);
  exec(0, 1);
  lose(0);
  sensor.settle();
  t.is(sensor.summary(), '5000-5000:ring_full 1 5002-5002:ring_full');
});

test('while a record is being written nothing is concluded from the counters', (t) => {
  const { kernel, sensor, exec, lose } = sensorOf();
  exec(0, 1);
  lose(1);
  const record = execRecord({ cpu: 1, pid: 2, number: kernel.increment(EXEC_ON(1), 'events') });
  const busy = kernel.reserve(record.length);
  lose(1);
  sensor.settle();
  t.is(sensor.summary(), '1');
  if (busy !== undefined) kernel.submit(busy, record);
  sensor.settle();
  t.is(sensor.summary(), '1 5001-5001:ring_full 2 5003-5003:ring_full');
});

test('a hole that the kernel did not count has another cause, and is still counted', (t) => {
  const { kernel, sensor, exec } = sensorOf();
  exec(0, 1);
  kernel.increment(EXEC_ON(0), 'events');
  exec(0, 2);
  sensor.drain();
  t.is(sensor.summary(), '1 5001-5001:unknown 2');
});

test('numbers beyond 32 bits are exact', (t) => {
  const { kernel, sensor } = sensorOf();
  kernel.output(execRecord({ number: 2 ** 32 + 5, pid: 1 }));
  kernel.output(execRecord({ number: 2 ** 32 + 6, pid: 2 }));
  sensor.drain();
  const missing = 2 ** 32 + 5;
  t.is(sensor.summary(), `5000-${5000 + missing - 1}:unknown 1 2`);
});

test('arguments that go on in further records are joined, with records of other processors in between', (t) => {
  const { sensor, exec, chunk } = sensorOf();
  const first = exec(0, 1, { args: Buffer.from('npm\0in'), argvBytes: 18 });
  const second = exec(1, 2, { args: Buffer.from('tar\0x'), argvBytes: 10 });
  chunk(0, first, 6, 'stal');
  sensor.drain();
  t.is(sensor.summary(), '');
  chunk(1, second, 5, 'zf\0a\0');
  exec(1, 3);
  chunk(0, first, 10, 'l\0--pro\0');
  sensor.drain();
  t.is(sensor.summary(), '2 3 1');
  t.deepEqual(argvOf(sensor, 1), ['npm', 'install', '--pro']);
  t.deepEqual(argvOf(sensor, 2), ['tar', 'xzf', 'a']);
});

test('arguments and the record that have come are kept while the ring is written over', (t) => {
  const { kernel, sensor, exec, chunk } = sensorOf();
  const open = exec(0, 1, { args: Buffer.from('npm\0in'), argvBytes: 18 });
  chunk(0, open, 6, 'stal');
  sensor.drain();
  const filler = Buffer.from(`${'x'.repeat(25_000)}\0`);
  for (let bytes = 0, pid = 2; bytes < kernel.ringBytes; bytes += filler.length, pid++) {
    exec(1, pid, { args: filler, filename: '/bin/other', cwd: '/elsewhere' });
    sensor.drain();
  }
  chunk(0, open, 10, 'l\0--pro\0');
  sensor.drain();
  const event = sensor.events.at(-1) as ExecEvent;
  t.deepEqual([event.pid, event.cwd, event.filename], [1, '/home/ada', '/usr/bin/npm']);
  t.deepEqual(event.argv, ['npm', 'install', '--pro']);
});

test('while clients are behind by half of the backlog events wait in the ring, up to three quarters of it', (t) => {
  const { kernel, sensor, exec } = sensorOf();
  let behind = 2 ** 19;
  sensor.follow(() => behind);
  exec(0, 1);
  t.false(sensor.turn());
  behind++;
  exec(0, 2);
  t.true(sensor.turn(), 'there is more');
  t.is(sensor.summary(), '1');
  let pid = 3;
  const waiting = (): number => Number(kernel.producerPosition - kernel.consumerPosition);
  for (; waiting() < kernel.ringBytes * 0.75; pid++) {
    t.true(sensor.turn());
    exec(0, pid, { args: Buffer.from(`${'x'.repeat(5000)}\0`) });
  }
  t.is(sensor.summary(), '1');
  t.true(sensor.turn());
  t.true(waiting() < kernel.ringBytes * 0.625, 'as many as make room');
  t.true(waiting() > kernel.ringBytes * 0.4, 'and not many more');
  const left = waiting();
  t.true(sensor.turn());
  t.is(waiting(), left, 'then they wait again');
  behind = 0;
  sensor.drain();
  t.is(sensor.events.length, pid - 1);
});

test('the next look comes later in a storm, and sooner the faster the ring fills', (t) => {
  const { kernel, sensor, exec } = sensorOf();
  const fill = (bytes: number): number => {
    const before = kernel.producerPosition;
    while (Number(kernel.producerPosition - before) < bytes)
      exec(0, 1, { args: Buffer.from(`${'x'.repeat(bytes / 4 - 500)}\0`) });
    sensor.drain();
    return Number(kernel.producerPosition - before) / kernel.ringBytes;
  };
  t.is(sensor.nextLookMs(0), AFTER_QUIET_INTERVAL_MS, 'nothing is known of the rate');
  t.is(sensor.nextLookMs(100, 0), DRAIN_INTERVAL_MS, 'nothing came');
  t.is(sensor.nextLookMs(200, STORM_EVENTS - 1), DRAIN_INTERVAL_MS);
  t.is(sensor.nextLookMs(300, STORM_EVENTS), STORM_INTERVAL_MS);
  t.true(fill(6000) < 0.25);
  t.is(sensor.nextLookMs(400, STORM_EVENTS), STORM_INTERVAL_MS, 'less than a quarter of the ring until then');
  const share = fill(32_000);
  t.true(share > 0.4);
  for (const [now, events] of [
    [440, 1],
    [540, STORM_EVENTS],
  ] as const) {
    const elapsed = now === 440 ? 40 : 100;
    if (now === 540) fill(32_000);
    t.is(Math.round(sensor.nextLookMs(now, events)), Math.round((elapsed * 0.25) / share));
  }
  t.true(fill(32_000) > 0.4);
  t.is(sensor.nextLookMs(541), MIN_DRAIN_INTERVAL_MS, 'never all the time');
  t.true(fill(32_000) > 0.4);
  t.is(sensor.nextLookMs(10_000), DRAIN_INTERVAL_MS);
  sensor.sleep();
  t.is(sensor.nextLookMs(20_000), AFTER_QUIET_INTERVAL_MS, 'it was quiet: the rate is that of the quiet time');
  t.is(sensor.nextLookMs(20_015), DRAIN_INTERVAL_MS);
  sensor.sleep();
  t.true(fill(32_000) > 0.4);
  t.is(sensor.nextLookMs(20_016), MIN_DRAIN_INTERVAL_MS, 'so many came at once');
});

test('an event whose arguments break off is cut when its processor goes on, and is not lost', (t) => {
  const { sensor, exec, chunk } = sensorOf();
  const first = exec(0, 1, { args: Buffer.from('npm\0in'), argvBytes: 100 });
  chunk(0, first, 6, 'sta');
  exec(0, 2);
  sensor.drain();
  t.is(sensor.summary(), '1… 2');
  t.deepEqual(argvOf(sensor, 1), ['npm', 'insta']);
});

test('an event that lost a record in the middle keeps what stands before it', (t) => {
  const { sensor, exec, chunk } = sensorOf();
  const first = exec(0, 1, { args: Buffer.from('a\0'), argvBytes: 10 });
  chunk(0, first, 6, 'd\0e\0');
  exec(0, 2);
  sensor.drain();
  t.is(sensor.summary(), '1… 2');
  t.deepEqual(argvOf(sensor, 1), ['a']);
});

test('losses behind an event with more arguments come after it', (t) => {
  const { sensor, exec, chunk, lose } = sensorOf();
  const first = exec(0, 1, { args: Buffer.from('a\0'), argvBytes: 4 });
  lose(0);
  sensor.settle();
  t.is(sensor.summary(), '');
  chunk(0, first, 2, 'b\0');
  sensor.settle();
  t.is(sensor.summary(), '1 5001-5001:ring_full');
});

test('arguments without their event are no event', (t) => {
  const { sensor, exec, chunk } = sensorOf();
  chunk(0, 7, 0, 'x\0');
  chunk(0, 7, 2, 'y\0');
  exec(0, 1);
  sensor.drain();
  t.is(sensor.summary(), '1');
});

test('a record too short for what it says it is, or of no known type, is not read', (t) => {
  const { kernel, sensor, exec } = sensorOf();
  kernel.output(execRecord().subarray(0, 159));
  kernel.output(moreRecord({}).subarray(0, 23));
  kernel.output(Buffer.alloc(200, 0x77));
  exec(0, 1);
  sensor.drain();
  t.is(sensor.summary(), '1');
});

test('a successor skips what was sent and goes on behind it', (t) => {
  const { sensor, exec, lose } = sensorOf();
  exec(0, 1);
  exec(1, 2);
  lose(0);
  exec(0, 3);
  // Everything is committed, and then it is killed before the ring is released.
  for (let steps = 0; steps < 12; steps++) sensor.killedDuring('drain', steps);
  sensor.start();
  sensor.settle();
  t.is(sensor.summary(), '1 2 5002-5002:ring_full 3');
});

test('an event that waits for arguments stays in the ring, so that a successor gets it whole', (t) => {
  const { kernel, sensor, exec, chunk } = sensorOf();
  exec(0, 1);
  sensor.drain();
  const released = kernel.consumerPosition;
  const open = exec(0, 2, { args: Buffer.from('a\0'), argvBytes: 6 });
  exec(1, 3);
  chunk(0, open, 2, 'b\0');
  sensor.drain();
  t.is(sensor.summary(), '1 3');
  t.is(kernel.consumerPosition, released, 'nothing from the open event on was released');
  sensor.start();
  sensor.drain();
  chunk(0, open, 4, 'c\0');
  sensor.drain();
  t.is(sensor.summary(), '1 3 2');
  t.deepEqual(argvOf(sensor, 2), ['a', 'b', 'c']);
  t.is(kernel.consumerPosition, kernel.producerPosition);
});

test('a process that has executed since the probe was attached is not told a second time by the snapshot', (t) => {
  const { kernel, sensor, exec } = sensorOf();
  const noPid = 2 ** 22 + 1;
  exec(0, noPid, { startTime: 5 });
  exec(1, noPid, { kind: 3, startTime: 5, filename: '', args: Buffer.alloc(0) });
  exec(1, noPid + 1, { kind: 3, startTime: 5, filename: '', args: Buffer.alloc(0) });
  exec(1, noPid, { kind: 3, startTime: 6, filename: '', args: Buffer.alloc(0) });
  sensor.start();
  sensor.drain();
  t.deepEqual(
    sensor.events.map((event) => (event.type === 'exec' ? [event.seq, event.pid, event.source] : event)),
    [
      [5000, noPid, 'ebpf'],
      [5001, noPid + 1, 'snapshot'],
      [5002, noPid, 'snapshot'],
    ],
  );
  t.deepEqual(sensor.counts, { events: 3, lost: 0 }, 'nor is it counted');
  sensor.start();
  t.deepEqual(sensor.counts, { events: 3, lost: 0 });
  t.is(kernel.consumerPosition, kernel.producerPosition);
});

test('a snapshot has the arguments that the process has now', (t) => {
  const { sensor, exec } = sensorOf();
  exec(0, process.pid, { kind: 3, filename: '', args: Buffer.alloc(0) });
  sensor.drain();
  t.is(argvOf(sensor, process.pid)?.join('\0'), readFileSync('/proc/self/cmdline', 'utf8').slice(0, -1));
});

test('exits are numbered apart, and a loss among them is a gap', (t) => {
  const { kernel, sensor, exec, lose } = sensorOf();
  exec(0, 1);
  kernel.output(exitRecord({ number: kernel.increment(2, 'events'), pid: 1 }));
  lose(0, 2);
  kernel.output(exitRecord({ number: kernel.increment(2, 'events'), pid: 2 }));
  exec(0, 3);
  sensor.drain();
  t.is(sensor.summary(), '1 1 5002-5002:ring_full 2 3');
});

test('the kernel count is what the counters say', (t) => {
  const { sensor, exec, lose } = sensorOf();
  exec(0, 1);
  lose(1);
  t.deepEqual(sensor.counts, { events: 2, lost: 1 });
});
