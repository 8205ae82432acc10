import test from 'ava';
import * as fc from 'fast-check';
import { KINDS } from '../../../../helper/linux/layout.ts';
import { moreRecord, execRecord } from '../../../support/exec-record.ts';
import { FakeKernel, type Reservation } from '../../../support/fake-kernel.ts';
import { FIRST_SEQ, Sensor } from '../../../support/sensor.ts';

const HEAD_BYTES = 48;
const CHUNK_BYTES = 160;
const CPUS = 3;

interface Exec {
  readonly pid: number;
  readonly args: Buffer;
  /** Its fate in the kernel. */
  fate: 'lost' | 'cut' | 'whole';
}

/** Two arguments that no other process has, `bytes` in all. */
const argsOfSize = (pid: number, bytes: number): Buffer =>
  Buffer.from(`${pid}\0${String(pid % 10).repeat(Math.max(0, bytes - `${pid}`.length - 2))}\0`);

/**
 * The probe on one processor, step by step: other processors and the reader may
 * come in wherever it yields, as they do between a reservation and its submission.
 */
function* probe(kernel: FakeKernel, cpu: number, kind: number, exec: Exec): Generator<void, void, void> {
  const counter = cpu * KINDS + kind;
  const number = kernel.increment(counter, 'events');
  yield;
  const output = function* (record: Buffer): Generator<void, boolean, void> {
    const reservation: Reservation | undefined = kernel.reserve(record.length);
    if (reservation === undefined) return false;
    yield;
    kernel.submit(reservation, record);
    return true;
  };
  const { pid, args } = exec;
  const head = args.subarray(0, HEAD_BYTES);
  if (
    !(yield* output(
      execRecord({
        kind,
        cpu,
        number,
        pid,
        error: kind,
        args: head,
        argvBytes: args.length,
        exe: '/x',
        cwd: '/',
        parentExe: '/y',
        cgroup: '/',
      }),
    ))
  ) {
    exec.fate = 'lost';
    kernel.increment(counter, 'lost');
    return;
  }
  for (let offset = head.length; offset < args.length; offset += CHUNK_BYTES) {
    if (
      !(yield* output(moreRecord({ kind, cpu, number, offset, args: args.subarray(offset, offset + CHUNK_BYTES) })))
    ) {
      exec.fate = 'cut';
      kernel.increment(counter, 'cut');
      return;
    }
  }
}

type Step =
  | { readonly exec: { readonly cpu: number; readonly kind: number; readonly bytes: number } }
  | { readonly run: { readonly cpu: number; readonly steps: number } }
  | { readonly reader: 'drain' | 'settle' | 'start' }
  | { readonly kill: { readonly during: 'drain' | 'settle'; readonly steps: number } };

const argumentBytes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 3, max: 40 }) },
  { weight: 2, arbitrary: fc.integer({ min: 3, max: 600 }) },
  fc.integer({ min: 600, max: 6000 }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ exec: fc.record({ cpu: fc.nat(CPUS - 1), kind: fc.nat(1), bytes: argumentBytes }) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ run: fc.record({ cpu: fc.nat(CPUS - 1), steps: fc.integer({ min: 1, max: 12 }) }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      reader: fc.constantFrom('drain' as const, 'drain' as const, 'settle' as const, 'start' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kill: fc.record({ during: fc.constantFrom('drain' as const, 'settle' as const), steps: fc.nat(12) }),
    }),
  },
);

interface Outcome {
  readonly sensor: Sensor;
  readonly kernel: FakeKernel;
  readonly execs: readonly Exec[];
}

/** Plays the steps, lets every processor finish, and lets the reader have its last word. */
function play(steps: readonly Step[], ringBytes: number, position: bigint): Outcome {
  // The machine's own pauses are none of the simulation's.
  const { now } = performance;
  const begun = performance.now();
  performance.now = () => begun;
  const kernel = new FakeKernel({ ringBytes, cpus: CPUS, position });
  const sensor = new Sensor(kernel);
  const execs: Exec[] = [];
  const running = new Map<number, Generator<void, void, void>>();
  const run = (cpu: number, count: number): void => {
    for (let i = 0; i < count; i++) {
      const program = running.get(cpu);
      if (program === undefined) return;
      if (program.next().done === true) running.delete(cpu);
    }
  };
  for (const each of steps) {
    if ('exec' in each) {
      const { cpu, kind, bytes } = each.exec;
      // A processor runs one at a time, to its end.
      run(cpu, Number.MAX_SAFE_INTEGER);
      const pid = 1000 + execs.length;
      const exec: Exec = { pid, args: argsOfSize(pid, bytes), fate: 'whole' };
      execs.push(exec);
      running.set(cpu, probe(kernel, cpu, kind, exec));
    } else if ('run' in each) run(each.run.cpu, each.run.steps);
    else if ('kill' in each) sensor.killedDuring(each.kill.during, each.kill.steps);
    else sensor[each.reader]();
  }
  for (let cpu = 0; cpu < CPUS; cpu++) run(cpu, Number.MAX_SAFE_INTEGER);
  // Events that still wait for arguments wait no longer.
  sensor.drain();
  let later = begun;
  performance.now = () => (later += 60_000);
  try {
    sensor.drain();
    sensor.settle();
    sensor.settle();
  } finally {
    performance.now = now;
  }
  return { sensor, kernel, execs };
}

test.serial(
  "however producers, losses, drains, settles and restarts interleave, events plus gaps are the kernel's count, each number once",
  (t) => {
    let lost = 0;
    let cut = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 20, maxLength: 150 }),
        fc.constantFrom(2048, 4096, 16384),
        fc.constantFrom(0n, 2n ** 32n - 4096n),
        (steps, ringBytes, position) => {
          const { sensor, execs, kernel } = play(steps, ringBytes, position);
          let next = FIRST_SEQ;
          const seen = new Map<number, readonly string[]>();
          let gaps = 0;
          // Long command lines that a killed reader had in its own memory only, since they took too much of the ring.
          let forgotten = 0;
          for (const event of sensor.events) {
            if (event.type === 'gap') {
              t.is(event.first, next);
              t.is(event.last - event.first + 1, event.count);
              t.true(['ring_full', 'unknown'].includes(event.cause));
              if (event.cause === 'unknown') forgotten += event.count;
              else gaps += event.count;
              next = event.last + 1;
            } else if (event.type === 'exit' || event.type === 'fork') t.fail('nothing was made, nothing ended');
            else {
              t.is(event.seq, next);
              next++;
              t.false(seen.has(event.pid), 'an event comes once');
              seen.set(event.pid, event.argv ?? []);
              const exec = execs[event.pid - 1000] as Exec;
              t.is(event.argv_truncated, exec.fate === 'cut' ? true : undefined, `${event.pid} was ${exec.fate}`);
              const text = exec.args.toString().split('\0').slice(0, 2);
              if (exec.fate === 'whole') t.deepEqual(event.argv, text);
              else t.true((text[1] as string).startsWith(event.argv?.[1] as string));
            }
          }
          const { events: counted, lost: countedLost } = sensor.counts;
          t.is(next - FIRST_SEQ, counted, 'every number that the kernel gave is in the stream');
          t.is(counted, execs.length);
          t.is(gaps, countedLost, 'what the kernel had no room for is what the gaps say');
          const arrived = execs.filter((exec) => exec.fate !== 'lost').map((exec) => exec.pid);
          t.is(arrived.filter((pid) => !seen.has(pid)).length, forgotten);
          t.true([...seen.keys()].every((pid) => arrived.includes(pid)));
          if (!steps.some((each) => 'kill' in each || ('reader' in each && each.reader === 'start')))
            t.is(forgotten, 0);
          // Per processor and kind the order is the kernel's; over all it need not be.
          t.true(kernel.consumerPosition <= kernel.producerPosition);
          lost += countedLost;
          cut += execs.filter((exec) => exec.fate === 'cut').length;
        },
      ),
      { numRuns: 400 },
    );
    t.true(lost > 100 && cut > 100, `the runs had ${lost} losses and ${cut} cut events`);
  },
);
