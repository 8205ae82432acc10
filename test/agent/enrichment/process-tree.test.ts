import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import {
  MAX_ANCESTORS,
  MAX_PROCESS_BYTES,
  MAX_PROCESSES,
  MAX_REMEMBERED_COMMAND,
  PROC_READS_PER_SECOND,
} from '../../../agent/enrichment/limits.ts';
import { readRunningProcess } from '../../../agent/enrichment/proc.ts';
import { ProcessTree } from '../../../agent/enrichment/process-tree.ts';
import { EXIT_EXAMPLE } from '../../../shared/events/exit.ts';
import { FORK_EXAMPLE } from '../../../shared/events/fork.ts';
import { execEvent } from '../../support/fake-helper.ts';

/** A process that began at its own pid, child of another such. */
const child = (pid: number, parent: number, overrides: Partial<ExecEvent> = {}): ExecEvent =>
  execEvent(pid, {
    pid,
    start_time: pid,
    exe: `/bin/${pid}`,
    argv: [`/bin/${pid}`, 'x'],
    parent: { pid: parent, start_time: parent, exe: `/bin/${parent}` },
    ...overrides,
  });

test('ancestors are known as far as events told of them, and one step further by name', (t) => {
  const tree = new ProcessTree();
  for (const event of [child(10, 1), child(20, 10), child(30, 20)]) tree.see(event);
  t.deepEqual(
    tree.ancestorsOf(child(40, 30)).map(({ pid, image, commandLine }) => [pid, image, commandLine]),
    [
      [30, '/bin/30', '/bin/30 x'],
      [20, '/bin/20', '/bin/20 x'],
      [10, '/bin/10', '/bin/10 x'],
      [1, '/bin/1', undefined],
    ],
  );
  t.is(tree.parentOf(child(40, 30))?.commandLine, '/bin/30 x');
  t.is(tree.parentOf(execEvent(1)), undefined);
});

test('a process that executes something else is that from then on', (t) => {
  const tree = new ProcessTree();
  tree.see(child(10, 1));
  tree.see(child(10, 1, { exe: '/bin/other', argv: ['other'] }));
  t.is(tree.parentOf(child(20, 10))?.commandLine, 'other');
  t.is(tree.size, 1);
});

test('a pid that is used again is another process', (t) => {
  const tree = new ProcessTree();
  tree.see(child(10, 1));
  tree.see(child(10, 1, { start_time: 5000, argv: ['second'] }));
  t.is(tree.parentOf(child(20, 10)), undefined, 'the first is gone');
  t.is(tree.parentOf(child(20, 10, { parent: { pid: 10, start_time: 5000 } }))?.commandLine, 'second');
  t.is(tree.parentOf(child(20, 10, { parent: { pid: 10, start_time: 9000 } })), undefined, 'one that came later');
});

test('the system is not asked for a process whose pid has another by now', (t) => {
  const tree = new ProcessTree({ askSystem: () => ({ parentPid: 1, commandLine: 'asked' }) });
  tree.see(child(10, 1, { start_time: 5000, argv: ['second'] }));
  t.is(tree.parentOf(child(20, 10)), undefined);
  t.is(tree.parentOf(child(20, 10, { parent: { pid: 10, start_time: 5000 } }))?.commandLine, 'second');
  t.is(tree.parentOf(child(20, 10, { parent: { pid: 10, start_time: 6000 } }))?.commandLine, 'asked');
});

test('a circle of parents ends, and so does a long line', (t) => {
  const tree = new ProcessTree();
  tree.see(child(10, 20));
  tree.see(child(20, 10));
  t.is(tree.ancestorsOf(child(30, 10)).length, 2);
  for (let pid = 101; pid < 200; pid++) tree.see(child(pid, pid - 1));
  t.is(tree.ancestorsOf(child(200, 199)).length, MAX_ANCESTORS);
});

test('memory is bounded in processes and in bytes; what was needed last stays', (t) => {
  const few = new ProcessTree({ maxProcesses: 8 });
  for (let pid = 10; pid < 1000; pid++) {
    few.see(child(pid, 1));
    t.is(few.parentOf(child(5000, 10))?.commandLine, '/bin/10 x', String(pid));
    t.true(few.size <= 8);
  }
  t.is(few.parentOf(child(99, 500)), undefined);

  const tree = new ProcessTree();
  const long = ['a'.repeat(1_000_000)];
  for (let pid = 10; pid < 10 + 2 * MAX_PROCESSES; pid++) tree.see(child(pid, 1, { argv: long }));
  t.true(tree.size <= MAX_PROCESSES && tree.bytes <= MAX_PROCESS_BYTES);
  t.is(tree.parentOf(child(99_999, 9 + 2 * MAX_PROCESSES))?.commandLine?.length, MAX_REMEMBERED_COMMAND);
  tree.clear();
  t.deepEqual([tree.size, tree.bytes], [0, 0]);
});

test('what no event told of is asked of the system, once, and not too often', (t) => {
  const asked: number[] = [];
  const tree = new ProcessTree({
    askSystem: (pid) => (asked.push(pid), pid === 10 ? { parentPid: 5, commandLine: 'ten' } : undefined),
  });
  for (let i = 0; i < 3; i++) {
    t.is(tree.parentOf(child(20, 10))?.commandLine, 'ten');
    t.like(tree.parentOf(child(20, 11)), { pid: 11, startTime: 11, image: '/bin/11', commandLine: undefined });
  }
  t.deepEqual(
    tree.ancestorsOf(child(20, 10)).map(({ pid }) => pid),
    [10, 5],
  );
  t.deepEqual(asked, [10, 11, 5]);
  for (let pid = 1000; pid < 1000 + 2 * PROC_READS_PER_SECOND; pid++) tree.parentOf(child(20, pid));
  t.true(asked.length < 1.5 * PROC_READS_PER_SECOND);
});

test('/proc tells the command line of a process that runs, and not of another with its pid', async (t) => {
  const running = spawn('sleep', ['1000']);
  try {
    await delay(100);
    const ticks = Number(readFileSync(`/proc/${running.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]);
    t.deepEqual(readRunningProcess(running.pid!, ticks * 10_000 + 9999), {
      parentPid: process.pid,
      commandLine: 'sleep 1000',
    });
    t.deepEqual(readRunningProcess(running.pid!, undefined), { parentPid: process.pid, commandLine: 'sleep 1000' });
    t.is(readRunningProcess(running.pid!, ticks * 10_000 - 1), undefined);
    t.is(readRunningProcess(running.pid!, ticks * 10_000 + 10_000), undefined);
  } finally {
    running.kill('SIGKILL');
  }
  await new Promise((resolve) => running.once('exit', resolve));
  t.is(readRunningProcess(running.pid!, undefined), undefined);
});

test('a command line from /proc keeps its empty arguments, except those at its end', async (t) => {
  const empty = Array.from({ length: 1000 }, () => '');
  const running = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', ...empty, 'x', ...empty]);
  t.teardown(() => running.kill('SIGKILL'));
  await new Promise((resolve) => running.once('spawn', resolve));
  const { commandLine = '' } = readRunningProcess(running.pid!, undefined) ?? {};
  t.true(commandLine.endsWith(`e6)${' '.repeat(1001)}x`), commandLine.slice(-20));
});

const forkOf = (pid: number, parent: number, exe = `/bin/${parent}`) => ({
  ...FORK_EXAMPLE,
  pid,
  start_time: pid,
  exe,
  ppid: parent,
  parent: { pid: parent, start_time: parent },
});
const endOf = (pid: number, startTime = pid) => ({ ...EXIT_EXAMPLE, pid, start_time: startTime });

test('with forks, processes that executed nothing are links of the chain, and run what their parent runs', (t) => {
  const tree = new ProcessTree();
  for (const event of [child(10, 1, { uid: 7 }), forkOf(20, 10), forkOf(30, 20, '/bin/10')]) tree.take(event);
  t.deepEqual(
    tree.ancestorsOf(child(40, 30)).map(({ pid, image, commandLine, user }) => [pid, image, commandLine, user]),
    [
      [30, '/bin/10', '/bin/10 x', 7],
      [20, '/bin/10', '/bin/10 x', 7],
      [10, '/bin/10', '/bin/10 x', 7],
      [1, '/bin/1', undefined, undefined],
    ],
  );
  tree.take(child(20, 10));
  t.is(tree.parentOf(child(50, 20))?.commandLine, '/bin/20 x', 'its own exec says what it runs');
});

test('a fork with CLONE_PARENT is no copy of its parent, and one of an unknown parent is known all the same', (t) => {
  const tree = new ProcessTree({ askSystem: () => t.fail('nobody asks at a fork') as never });
  tree.take(child(10, 1));
  tree.take(forkOf(20, 10, '/bin/other'));
  tree.take(forkOf(30, 99));
  t.like(tree.parentOf(child(40, 20)), { image: '/bin/other', commandLine: undefined, parent: { pid: 10 } });
  t.like(tree.parentOf(child(40, 30)), { image: '/bin/99', parent: { pid: 99 } });
});

test('an ended process stays an ancestor, and is no longer meant by its pid alone', (t) => {
  const asked: number[] = [];
  const tree = new ProcessTree({
    askSystem: (pid) => (asked.push(pid), { parentPid: 1, commandLine: 'its successor' }),
  });
  for (const event of [child(10, 1), child(20, 10), endOf(10)]) tree.take(event);
  t.is(tree.ancestorsOf(child(30, 20))[1]?.commandLine, '/bin/10 x');
  t.deepEqual(asked, [1]);
  t.is(tree.parentOf(execEvent(1, { parent: { pid: 10 } }))?.commandLine, 'its successor');
  tree.take(child(20, 10, { start_time: 500 }));
  tree.take(endOf(20));
  t.is(
    tree.parentOf(execEvent(1, { parent: { pid: 20 } }))?.startTime,
    500,
    'the end of an earlier process with its pid',
  );
});

test('forks and ends take no more memory than execs', (t) => {
  const tree = new ProcessTree({ maxProcesses: 100 });
  for (let pid = 10; pid < 5000; pid++) {
    tree.take(forkOf(pid, pid - 1));
    tree.take(endOf(pid));
  }
  t.true(tree.size <= 100);
  for (const type of ['gap', 'clock', 'later']) tree.take({ type });
});
