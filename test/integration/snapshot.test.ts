import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { MAX_COMMAND_LINE_BYTES } from '../../helper/limits.ts';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { fixture } from '../support/fixtures.ts';
import { requireDense, settledHeartbeat } from '../support/pipe-client.ts';
import { stormOf } from '../support/pace.ts';
import { kernelTest } from '../support/requirements.ts';
import { run, Session } from '../support/session.ts';

const scratch = mkdtempSync('/var/tmp/snapshot-');
chmodSync(scratch, 0o755);
const noOp = fixture('no-op');
const pause = fixture('pause');
const sessions: Session[] = [];
const children: ChildProcess[] = [];

const open = async (...args: Parameters<typeof Session.open>): Promise<Session> => {
  const session = await Session.open(...args);
  sessions.push(session);
  return session;
};
const launch = (...args: Parameters<typeof spawn>): ChildProcess => {
  const child = spawn(...args);
  children.push(child);
  return child;
};

test.afterEach.always(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const session of sessions.splice(0)) await session.close();
});
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

const key = ({ pid, start_time }: ExecEvent): string => `${pid} ${start_time}`;
const snapshotOf = ({ client }: Session): ExecEvent[] => client.execs.filter(({ source }) => source === 'snapshot');

/** Ticks since boot at which a process began, as proc_pid_stat(5) has it; undefined when it is gone. */
function ticksOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19]);
  } catch {
    return undefined;
  }
}

/** Path of the image; undefined for a process that has none, or is gone. */
function imageOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

kernelTest('what runs at start is told once, and is the process that its child and its exit name', async (t) => {
  const args = ['-c', 'read line; "$1" child; exit 9', 'sh', noOp, '', 'last'];
  const child = launch('/bin/sh', args, { cwd: scratch, uid: 1234, gid: 2345, stdio: ['pipe', 'ignore', 'ignore'] });
  await delay(50);
  const sensor = await open(['--exits']);
  const [event, ...more] = await sensor.client.until(() => {
    const found = snapshotOf(sensor).filter(({ pid }) => pid === child.pid);
    return found.length > 0 && found;
  });
  t.deepEqual(more, []);
  t.is(event?.exe, imageOf(child.pid ?? 0));
  t.is(event?.cwd, scratch);
  t.deepEqual(event?.argv, ['/bin/sh', ...args]);
  t.deepEqual([event?.uid, event?.gid, event?.euid, event?.egid], [1234, 2345, 1234, 2345]);
  t.is(event?.ppid, process.pid);
  t.is(event?.filename, undefined);
  t.is(ticksOf(child.pid ?? 0), Math.floor((event?.start_time ?? 0) / 10_000));
  child.stdin?.end('\n');
  const later = await sensor.marked(noOp, 'child');
  t.deepEqual(later.parent, { pid: child.pid, start_time: event?.start_time, exe: event?.exe } as ExecEvent['parent']);
  const exit = await sensor.exit(child.pid ?? 0);
  t.is(event?.start_time, exit.start_time);
  t.is(exit.exit_code, 9);
});

kernelTest('every process that has an image is told, and no kernel thread is', async (t) => {
  const before = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), ticks: ticksOf(Number(name)), image: imageOf(Number(name)) }));
  const sensor = await open();
  await sensor.settle();
  // Those that were there before and still are, unchanged.
  const lasting = before.filter(
    ({ pid, ticks, image }) => image !== undefined && ticks === ticksOf(pid) && image === imageOf(pid),
  );
  const told = new Map(snapshotOf(sensor).map((event) => [event.pid, event]));
  t.deepEqual(
    lasting.filter(({ pid }) => !told.has(pid)).map(({ pid }) => pid),
    [],
  );
  t.is(told.size, snapshotOf(sensor).length, 'once, however many threads it has');
  t.true(lasting.length > 3);
  for (const { pid, image } of lasting) t.is(told.get(pid)?.exe, image?.replace(/ \(deleted\)$/, ''));
  const threads = before.filter(
    ({ pid, ticks, image }) => image === undefined && ticks !== undefined && ticks === ticksOf(pid),
  );
  t.true(threads.length > 3);
  t.deepEqual(
    threads.filter(({ pid }) => told.has(pid)).map(({ pid }) => pid),
    [],
  );
});

kernelTest('a process whose first thread has ended is told once, as the process that it is', async (t) => {
  const child = launch(fixture('leaderless'), [noOp, 'after all'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await delay(100);
  const sensor = await open();
  await sensor.settle();
  const [event, ...more] = snapshotOf(sensor).filter(({ pid }) => pid === child.pid);
  t.deepEqual(more, []);
  t.is(event?.exe, fixture('leaderless'));
  child.stdin?.end();
  const later = await sensor.exec(child.pid ?? 0);
  t.is(later.command, `${noOp} after all`);
  t.is(later.start_time, event?.start_time);
});

kernelTest('a command line that claims to be endless is told as far as it is read', async (t) => {
  const child = launch(fixture('endless-args'), ['3000'], { uid: 1234, gid: 1234, stdio: ['pipe', 'pipe', 'ignore'] });
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  const sensor = await open();
  await sensor.settle();
  const [event] = snapshotOf(sensor).filter(({ pid }) => pid === child.pid);
  t.is(event?.argv_truncated, true);
  t.is(event?.argv_bytes, MAX_COMMAND_LINE_BYTES);
});

kernelTest('programs that start while the helper does are told exactly once', async (t) => {
  const paused: ChildProcess[] = [];
  let starting = true;
  // Many workers, so that at every moment some program has just begun.
  const storms = (async () => {
    while (starting)
      await run(fixture('exec-storm'), [noOp, String(stormOf(2000)), String(stormOf(16, 2)), 'starting']);
  })();
  const pauses = (async () => {
    for (let i = 0; i < 50 || (starting && i < 400); i++) {
      paused.push(launch(pause, [String(i)], { stdio: ['pipe', 'ignore', 'ignore'] }));
      await delay(2);
    }
  })();
  const sensor = await open();
  starting = false;
  await Promise.all([storms, pauses]);
  await sensor.settle();
  for (const { pid } of paused) {
    const told = sensor.client.execs.filter((event) => event.pid === pid && event.exe === pause);
    t.is(told.length, 1, `${pid}`);
  }
  const short = sensor.client.execs.filter(({ exe }) => exe === noOp).map(key);
  t.true(short.length > 100);
  t.is(new Set(short).size, short.length, 'none twice');
});

kernelTest("snapshot, execs and gaps add up to the kernel's count", async (t) => {
  const stormed = run(fixture('exec-storm'), [noOp, '4000', '2', 'counted']);
  const sensor = await open();
  await stormed;
  const beat = await sensor.client.until((client) => settledHeartbeat(client), 60);
  const counted = sensor.client.events.slice(0, sensor.client.events.indexOf(beat));
  t.true(snapshotOf(sensor).length > 3);
  // Where programs can be preempted (bpf/preemption.h), the first is alone for a moment of the storm.
  const gaps = counted.filter((event) => event.type === 'gap');
  t.true(gaps.every(({ cause }) => cause === 'probe_skipped'));
  t.is(
    beat.kernel_lost,
    gaps.reduce((sum, { count }) => sum + count, 0),
  );
  t.is(counted.filter(({ type }) => type === 'exec').length + beat.kernel_lost, beat.kernel_count);
  requireDense(sensor.client.events);
});

kernelTest('a helper that takes over a pinned probe does not tell it again', async (t) => {
  const socket = `/run/platform-probes-snapshot-${process.pid}/events.sock`;
  const pins = `/sys/fs/bpf/${path.basename(path.dirname(socket))}`;
  try {
    launch(pause, ['pinned'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await delay(50);
    const first = await open(['--pin'], { socket });
    await first.settle();
    const told = snapshotOf(first).map(key);
    await first.close();
    launch(pause, ['between'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await delay(50);
    const second = await open(['--pin'], { socket });
    await second.settle();
    t.deepEqual(snapshotOf(second).map(key), told);
    t.deepEqual(
      second.client.execs.filter(({ argv }) => argv?.[1] === 'between').map(({ source }) => source),
      ['ebpf'],
    );
    const beat = await second.client.until((client) => settledHeartbeat(client), 60);
    t.is(beat.last_seq - second.client.hello.first_seq + 1, beat.kernel_count);
  } finally {
    for (const session of sessions.splice(0)) await session.close();
    rmSync(pins, { recursive: true, force: true });
  }
});
