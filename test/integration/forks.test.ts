import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import type { ForkEvent } from '../../shared/events/fork.ts';
import { fixture } from '../support/fixtures.ts';
import { stormOf } from '../support/pace.ts';
import { requireDense, settledHeartbeat } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { run, Session } from '../support/session.ts';

const kinds = fixture('fork-kinds');
let session: Session | undefined;

const start = async (): Promise<Session> => (session ??= await Session.open(['--forks', '--exits']));

test.after.always(() => session?.close());

const isFork = (event: { type: string }): event is ForkEvent => event.type === 'fork';
const forks = (sensor: Session): ForkEvent[] => sensor.client.events.filter(isFork);
const WAYS = ['fork', 'vfork', 'clone3', 'clone-vm', 'clone-parent', 'daemon', 'thread'];
const keyOf = (event: { pid: number; start_time?: number }): string => `${event.pid} ${event.start_time}`;

kernelTest('however a process is made, it is told once, with its parent; threads are not', async (t) => {
  const sensor = await start();
  const { pid, stdout } = await run(kinds);
  await sensor.exit(pid);
  await sensor.settle();
  const made = stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  t.deepEqual(made.map(([how]) => how).toSorted(), WAYS.toSorted());
  const main = await sensor.exec(pid);
  for (const [how = '', own, parent] of made) {
    const told = forks(sensor).filter((fork) => fork.pid === Number(own));
    t.is(told.length, 1, how);
    const [fork] = told as [ForkEvent];
    // The daemon's parent can have ended before it asked who that is.
    if (how === 'daemon') t.not(fork.ppid, pid);
    else {
      t.is(fork.ppid, Number(parent), how);
      t.is(fork.ppid, pid, `${how}: the parent is the process, not a thread or a maker in between`);
      t.is(fork.parent.start_time, main.start_time ?? 0, how);
    }
    t.is(fork.parent.pid, fork.ppid);
    t.is(fork.exe, kinds);
    t.is(fork.comm, 'fork-kinds');
    const ends = sensor.exits((exit) => keyOf(exit) === keyOf(fork));
    t.is(ends.length, 1, `${how} has one end`);
    t.is(ends[0]?.exit_code, 113);
    t.true(ends[0]!.seq > fork.seq, 'behind its beginning');
  }
  // Each of them, the two in the middle, and no thread.
  const within = forks(sensor).filter(({ exe }) => exe === kinds);
  t.is(within.length, made.length + 2);
});

kernelTest('every process of a pipeline is told: fork, exec, exit, in this order, with one start time', async (t) => {
  const sensor = await start();
  const { pid } = await run('/bin/sh', ['-c', '(sleep 0; sleep 0) | cat | cat; : ; (:)']);
  await sensor.exit(pid);
  await sensor.settle();
  const below = forks(sensor).filter(({ ppid }) => ppid === pid);
  t.is(below.length, 4, 'three of the pipeline, and a subshell that executes nothing');
  for (const fork of below) {
    const exit = await sensor.exit(fork.pid);
    t.is(exit.start_time, fork.start_time);
    for (const exec of sensor.execsOf(fork.pid)) {
      t.is(exec.start_time, fork.start_time);
      t.true(exec.seq > fork.seq && exec.seq < exit.seq);
    }
  }
});

kernelTest('a process that a program starts by posix_spawn or vfork has a fork before its exec', async (t) => {
  const sensor = await start();
  const { pid, stdout } = await run(fixture('exec-spawn'), [fixture('no-op')]);
  await sensor.exit(pid);
  await sensor.settle();
  for (const own of stdout.toString().trim().split(' ').map(Number)) {
    const fork = forks(sensor).find((event) => event.pid === own);
    t.is(fork?.ppid, pid);
    t.true((fork as ForkEvent).seq < (await sensor.exec(own)).seq);
  }
});

const STORM = stormOf(5000, 500);
kernelTest(
  `a storm of ${STORM.toLocaleString('en')} forks adds up: each has its end, and the kernel counted as many`,
  async (t) => {
    const sensor = await Session.open(['--forks', '--exits', '--env', 'P17', '--backlog', '64MiB']);
    try {
      const storms = [0, 1].map(() => spawn(fixture('fork-only'), [String(STORM)], { stdio: 'ignore' }));
      const execs = spawn(fixture('exec-storm'), [fixture('no-op'), String(STORM), '2', 'forks'], { stdio: 'ignore' });
      await Promise.all([...storms, execs].map((child) => once(child, 'exit')));
      await sensor.settle();
      const beat = await sensor.client.until(() => settledHeartbeat(sensor.client), 60);
      const { events } = sensor.client;
      requireDense(events);
      const lost = events.reduce((sum, event) => sum + (event.type === 'gap' ? event.count : 0), 0);
      const told = events.slice(0, events.indexOf(beat)).filter((event) => 'seq' in event).length;
      t.is(told + lost, beat.kernel_count);
      t.is(lost, 0);
      for (const { pid } of storms) t.is(forks(sensor).filter(({ ppid }) => ppid === pid).length, STORM);
      const ended = new Map<string, number>();
      for (const exit of sensor.exits()) ended.set(keyOf(exit), (ended.get(keyOf(exit)) ?? 0) + 1);
      const programs = [fixture('fork-only'), fixture('exec-storm')];
      const begun = forks(sensor).filter(({ exe }) => programs.includes(exe ?? ''));
      t.is(new Set(begun.map(keyOf)).size, begun.length, 'none twice');
      t.true(begun.length >= 3 * STORM, `${begun.length}`);
      t.deepEqual(
        begun.filter((fork) => ended.get(keyOf(fork)) !== 1),
        [],
      );
    } finally {
      await sensor.close();
    }
  },
);

kernelTest('with --forks alone there are no ends, and hello says what is told', async (t) => {
  const sensor = await Session.open(['--forks']);
  try {
    const { pid } = await run(fixture('fork-only'), ['3']);
    await sensor.settle();
    t.is(forks(sensor).filter(({ ppid }) => ppid === pid).length, 3);
    t.deepEqual(sensor.exits(), []);
    t.true(sensor.client.hello.forks);
    t.is(sensor.client.hello.exits, undefined);
    t.deepEqual(sensor.client.hello.programs.slice(3), ['on_fork', 'on_fork_second', 'on_fork_third']);
  } finally {
    await sensor.close();
  }
});
