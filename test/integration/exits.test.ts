import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import test from 'ava';
import { fixture } from '../support/fixtures.ts';
import { stormOf } from '../support/pace.ts';
import { requireDense } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { run, Session } from '../support/session.ts';

const endBy = fixture('end-by');
const noOp = fixture('no-op');
let session: Session | undefined;

const start = async (): Promise<Session> => (session ??= await Session.open(['--exits']));

test.after.always(() => session?.close());

kernelTest('the exit code is told, with the start time of the exec', async (t) => {
  const sensor = await start();
  for (const code of [0, 1, 7, 127, 255]) {
    const { pid } = await run(endBy, ['exit', String(code)]);
    const exit = await sensor.exit(pid);
    t.is(exit.exit_code, code);
    t.is(exit.signal, undefined);
    t.is((await sensor.exec(pid)).start_time, exit.start_time);
  }
});

kernelTest('the signal that ended a process is told by name, dumped core or not', async (t) => {
  const sensor = await start();
  const names = [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGILL',
    'SIGTRAP',
    'SIGBUS',
    'SIGFPE',
    'SIGKILL',
    'SIGUSR1',
    'SIGSEGV',
    'SIGUSR2',
    'SIGPIPE',
    'SIGALRM',
    'SIGTERM',
    'SIGXCPU',
    'SIGSYS',
  ] as const;
  for (const name of names) {
    const { pid, signal } = await run(endBy, ['signal', String(constants.signals[name])]);
    t.is(signal, name);
    const exit = await sensor.exit(pid);
    t.is(exit.signal, name);
    t.is(exit.exit_code, undefined);
  }
});

kernelTest('a signal without a name is told by its number', async (t) => {
  const sensor = await start();
  const { pid } = await run(endBy, ['signal', '40']);
  t.is((await sensor.exit(pid)).signal, 'SIG40');
});

kernelTest(
  'the time that a process ran is at least what it slept, and not much more than what its parent waited',
  async (t) => {
    const sensor = await start();
    const before = performance.now();
    const { pid } = await run(endBy, ['sleep', '300']);
    const waited = (performance.now() - before) * 1000;
    const exit = await sensor.exit(pid);
    t.true(exit.run_time >= 300_000 && exit.run_time <= waited, `${exit.run_time} of ${waited} µs`);
    const exec = await sensor.exec(pid);
    t.true(Date.parse(exit.time) - Date.parse(exec.time) >= 299, 'and the clocks of both events agree');
  },
);

for (const [what, args, status] of [
  ['whose first thread ends first', ['leader-first', '9'], 9],
  // Which thread's status counts differs between kernels.
  ['whose threads all end one by one', ['last-thread'], undefined],
  ['that another thread ends', ['other-thread', '11'], 11],
] as const) {
  kernelTest(`a process ${what} has one exit, with the status that its parent gets`, async (t) => {
    const sensor = await start();
    const { pid, code } = await run(endBy, args);
    t.true(code !== null && code === (status ?? code), `${code}`);
    t.is((await sensor.exit(pid)).exit_code, code ?? undefined);
    await sensor.settle();
    t.is(sensor.exits((exit) => exit.pid === pid).length, 1);
  });
}

kernelTest('threads, and forks that never executed anything, have no exit', async (t) => {
  const sensor = await start();
  const before = sensor.exits().length;
  const { pid } = await run(fixture('fork-only'), ['200']);
  await sensor.exit(pid);
  await sensor.settle();
  const ended = sensor
    .exits()
    .slice(before)
    .filter(({ exit_code }) => exit_code === 113);
  t.deepEqual(ended, []);
});

kernelTest('an exec in the same process is no exit, not even from another thread', async (t) => {
  const sensor = await start();
  for (const [program, ...args] of [
    ['sh', '-c', `exec ${noOp}`],
    [fixture('exec-thread'), noOp],
  ] as [string, ...string[]][]) {
    const { pid } = await run(program, args);
    const exit = await sensor.exit(pid);
    await sensor.settle();
    t.is(sensor.execsOf(pid).length, 2);
    t.is(sensor.exits((event) => event.pid === pid).length, 1);
    t.true(
      exit.seq > (sensor.execsOf(pid)[1]?.seq ?? Infinity) ||
        Date.parse(exit.time) >= Date.parse(sensor.execsOf(pid)[1]?.time ?? ''),
    );
  }
});

const SHORT = stormOf(5000);
kernelTest(`${SHORT.toLocaleString('en')} short processes have as many exits, each of its own exec`, async (t) => {
  const sensor = await start();
  const from = sensor.client.events.length;
  const storm = spawn(fixture('exec-storm'), [noOp, String(SHORT), '2', 'short'], { stdio: 'ignore' });
  t.deepEqual(await once(storm, 'exit'), [0, null]);
  await sensor.settle();
  const key = ({ pid, start_time }: { pid: number; start_time?: number }): string => `${pid} ${start_time}`;
  const events = sensor.client.events.slice(from);
  t.deepEqual(
    sensor.client.events.filter(({ type }) => type === 'gap'),
    [],
  );
  t.deepEqual(
    sensor.client.execs.filter((event) => event.source !== 'snapshot' && event.argv_truncated),
    [],
    'none without its arguments',
  );
  const execs = sensor.client.execs.filter(({ filename, argv }) => filename === noOp && argv?.[3] === 'short').map(key);
  t.is(new Set(execs).size, SHORT);
  const ended = await sensor.client.until(() => {
    const exits = sensor.exits().map(key);
    return execs.every((exec) => exits.includes(exec)) && exits;
  });
  const twice = ended.filter((exit, i) => ended.indexOf(exit) !== i);
  t.deepEqual(
    sensor.exits((exit) => twice.includes(key(exit))),
    [],
    'none twice',
  );
  requireDense(events);
});

kernelTest('without --exits there are none', async (t) => {
  const plain = await Session.open();
  try {
    const { pid } = await run(endBy, ['exit', '7']);
    await plain.exec(pid);
    await plain.settle();
    t.deepEqual(plain.exits(), []);
    t.deepEqual(plain.client.hello.programs, ['on_exec', 'on_exec_second', 'on_exec_third']);
  } finally {
    await plain.close();
  }
});
