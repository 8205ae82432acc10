import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { findHelper } from '../../helper/linux/audit/process.ts';
import { fixture } from '../support/fixtures.ts';
import {
  CLIENT_GID,
  HELPER_UID,
  helperCommand,
  startHelper,
  threadStatuses,
  type RunningHelper,
} from '../support/helper-process.ts';
import { PATIENCE } from '../support/pace.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { numberOf, type SystemCall } from '../support/system-calls.ts';

let helper: RunningHelper | undefined;

test.before(async () => {
  if (process.getuid?.() === 0) helper = await startHelper();
});

test.after.always(async () => {
  await helper?.stop();
});

/** The result of a system call that a thread of the helper makes. */
function inside(thread: number, number: number, ...args: (number | string)[]): number {
  const run = spawnSync(fixture('inject-syscall'), [String(thread), String(number), ...args.map(String)], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return Number(run.stdout);
}

const EPERM = -1;
const ESPIPE = -29;
const AF_UNIX = 1;
const AF_INET = 2;
const O_WRONLY_CREAT = 0o101;

const FORBIDDEN: [what: string, call: SystemCall, ...args: (number | string)[]][] = [
  ['start a program', 'execve', '@/bin/true', 0, 0],
  ['start a program from a descriptor', 'execveat', 0, '@/bin/true', 0, 0, 0],
  ['make a process', 'fork'],
  ['make a process (vfork)', 'vfork'],
  ['make a thread or process (clone)', 'clone', 0x11, 0, 0, 0, 0],
  ['make a thread or process (clone3)', 'clone3', '@x', 88],
  ['trace another process', 'ptrace', 16, 1, 0, 0],
  ['read the memory of another process', 'process_vm_readv', 1, 0, 0, 0, 0, 0],
  ['make a Unix socket', 'socket', AF_UNIX, 1, 0],
  ['make a TCP socket', 'socket', AF_INET, 1, 0],
  ['connect', 'connect', 0, '@x', 16],
  ['bind', 'bind', 0, '@x', 16],
  ['read from a client (recvfrom)', 'recvfrom', 0, '@x', 1, 0, 0, 0],
  ['read from a client (recvmsg)', 'recvmsg', 0, '@x', 0],
  ['open a file for reading', 'openat', -100, '@/etc/passwd', 0, 0],
  ['open a file for writing', 'openat', -100, '@/run/x', O_WRONLY_CREAT, 0o600],
  ['open a file (open)', 'open', '@/etc/passwd', 0, 0],
  ['open a file (openat2)', 'openat2', -100, '@/etc/passwd', 0, 24],
  ['remove a file', 'unlink', '@/run/x'],
  ['remove a file (unlinkat)', 'unlinkat', -100, '@/run/x', 0],
  ['change a mode', 'chmod', '@/run', 0o777],
  ['change a mode (fchmodat)', 'fchmodat', -100, '@/run', 0o777],
  ['make a BPF call', 'bpf', 0, '@x', 8],
  ['make an io_uring', 'io_uring_setup', 8, '@x'],
  ['become root', 'setuid', 0],
  ["take root's group", 'setgid', 0],
  ['take all ids back', 'setresuid', 0, 0, 0],
  ['take capabilities', 'capset', '@x', '@x'],
  ['set a process attribute (prctl)', 'prctl', 38, 1, 0, 0, 0],
  ['signal another process', 'kill', 1, 0],
  ['mount', 'mount', '@x', '@/mnt', '@tmpfs', 0, 0],
  ['load a kernel module', 'finit_module', 0, '@x', 0],
  ['unshare a namespace', 'unshare', 0x10000000],
  ['map memory that can be executed', 'mmap', 0, 4096, 7, 0x22, -1, 0],
  ['another ioctl than the two it needs', 'ioctl', 0, 0x5413, '@x'],
  ['take a descriptor of another process', 'pidfd_getfd', 0, 0, 0],
  ['ask on which processors others run', 'sched_getaffinity', 1, 8, '@x'],
  ['trace its own bounds away (prlimit64)', 'prlimit64', 0, 7, 0, '@x'],
  ['put a further filter (seccomp)', 'seccomp', 0, 0, 0],
  ['copy a descriptor (fcntl F_DUPFD)', 'fcntl', 2, 0, 0],
  ['copy a descriptor (fcntl F_DUPFD_CLOEXEC)', 'fcntl', 2, 1030, 0],
  ['ask for signals of a descriptor (fcntl F_SETOWN)', 'fcntl', 2, 8, 1],
  ['read standard input', 'read', 0, '@x', 1],
  ['read standard output', 'read', 1, '@x', 1],
  ['read standard error', 'read', 2, '@x', 1],
  ['read standard error (pread64)', 'pread64', 2, '@x', 1, 0],
  ['send to another address than the one that a socket is connected to', 'sendto', 2, '@x', 1, 0, '@x', 2],
  ['write to standard output', 'write', 1, '@x', 1],
];

kernelTest('from inside the helper, everything but forwarding is refused, on every thread', async (t) => {
  if (helper === undefined) throw new Error('no helper');
  const threads = readdirSync(`/proc/${helper.pid}/task`).map(Number);
  for (const status of threadStatuses(helper.pid, threads.map(String))) t.is(status.get('Seccomp'), '2');
  const numbered = FORBIDDEN.map(([what, call, ...args]) => [what, numberOf(call), ...args] as const);
  const some = [...numbered.filter(([, number]) => number !== -1), ['call what does not exist', 9999] as const];
  for (const [what, number, ...args] of some) {
    for (const thread of [helper.pid, threads.at(-1) as number]) {
      const result = inside(thread, number, ...args);
      t.is(result, EPERM, `${what}, in thread ${thread}: ${result}`);
    }
  }
  t.is(inside(helper.pid, numberOf('getpid')), helper.pid, 'what is allowed does work: getpid');
  const client = new PipeClient(helper.socket);
  await client.until(() => client.events.length > 0);
  // With a client connected: whatever is open, nothing is read but the runtime's own wake-ups, and these stay where they are.
  for (const fd of readdirSync(`/proc/${helper.pid}/fd`)) {
    const target = readlinkSync(`/proc/${helper.pid}/fd/${fd}`);
    const isRuntime = Number(fd) > 2 && /^(?:anon_inode:\[eventfd\]|pipe:)/.test(target);
    const isKernelFile = target.startsWith('/proc/');
    if (!isRuntime) t.is(inside(helper.pid, numberOf('read'), fd, '@x', 0), EPERM, `read ${target}`);
    // A client may have the number of a file that is closed by now; no socket can be read at a position.
    if (!isKernelFile)
      t.true([EPERM, ESPIPE].includes(inside(helper.pid, numberOf('pread64'), fd, '@x', 0, 0)), `pread64 ${target}`);
    if (!isRuntime && fd !== '2') t.is(inside(helper.pid, numberOf('write'), fd, '@x', 0), EPERM, `write ${target}`);
    if (isRuntime) t.is(inside(helper.pid, numberOf('close'), fd), EPERM, `close ${target}`);
    if (Number(fd) > 2) {
      t.is(inside(helper.pid, numberOf('fcntl'), fd, 3, 0), EPERM, `fcntl ${target}`);
      t.is(inside(helper.pid, numberOf('fstat'), fd, '@x'), EPERM, `fstat ${target}`);
      t.is(inside(helper.pid, numberOf('fsync'), fd), EPERM, `fsync ${target}`);
    }
  }
  client.close();
});

/** Starts a helper by hand; gives its process id once it forwards, and how to end it. */
async function startBy(
  command: readonly string[],
  socket: string,
): Promise<{ pid: number; stop: () => Promise<void> }> {
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'ignore', 'ignore'] });
  let pid: number | undefined;
  for (let waited = 0; pid === undefined && waited < 20_000 * PATIENCE; waited += 50) {
    await delay(50);
    const found = findHelper(`${socket}.lock`);
    if (found !== undefined && readFileSync(`/proc/${found}/status`, 'latin1').includes('Seccomp_filters:\t3'))
      pid = found;
  }
  const stop = async (): Promise<void> => {
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(path.dirname(socket), { recursive: true, force: true });
  };
  if (pid === undefined) {
    child.kill('SIGKILL');
    throw new Error('the helper did not start');
  }
  return { pid, stop };
}

const STREAMS: [what: string, redirection: string, error: RegExp][] = [
  ['a terminal', '', /^\/dev\/(?:pts\/\d+|tty\w*)$/],
  ['a file that is open for both', ' 2<>"$LOG"', /\/log$/],
  ['a file', ' 2>"$LOG"', /\/log$/],
  ['nothing', ' 0<&- 1<&- 2<&-', /^\/dev\/null$/],
];
for (const [what, redirection, error] of STREAMS) {
  kernelTest(`with ${what} as standard streams, the forwarding stage can write them and not read them`, async (t) => {
    const folder = mkdtempSync('/var/lib/platform-probes/streams-');
    const log = path.join(folder, 'log');
    writeFileSync(log, 'what stood there before\n');
    const socket = `/run/${path.basename(folder)}/events.sock`;
    const args = ['run', '--socket', socket, '--user', String(HELPER_UID), '--group', String(CLIENT_GID)];
    const command = [...helperCommand(), ...args].map((word) => `'${word}'`).join(' ');
    const run = await startBy(['script', '-qec', `LOG='${log}'; exec ${command}${redirection}`, '/dev/null'], socket);
    try {
      for (const fd of [0, 1, 2]) {
        const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${run.pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '3';
        t.is(Number.parseInt(flags, 8) & 3, 1, `descriptor ${fd}`);
        t.regex(readlinkSync(`/proc/${run.pid}/fd/${fd}`), fd === 2 ? error : /^\/dev\/null$/);
      }
    } finally {
      await run.stop();
      if (redirection.includes('<>'))
        t.regex(readFileSync(log, 'utf8'), /^what stood there before\n.*forwarding; uid/s);
      rmSync(folder, { recursive: true });
    }
  });
}

kernelTest(
  'nothing that others wrote is read before the first filter, and no file opened after the second',
  async (t) => {
    const folder = mkdtempSync('/var/lib/platform-probes/order-');
    const socket = `/run/${path.basename(folder)}/events.sock`;
    const trace = path.join(folder, 'trace');
    const args = ['run', '--socket', socket, '--user', String(HELPER_UID), '--group', String(CLIENT_GID)];
    const calls = 'trace=seccomp,openat,execve';
    const run = await startBy(['strace', '-f', '-o', trace, '-e', calls, ...helperCommand(), ...args], socket);
    await run.stop();
    const lines = readFileSync(trace, 'utf8').split('\n');
    rmSync(folder, { recursive: true });
    const forward = lines.slice(lines.findLastIndex((line) => line.includes('execve(')));
    const filters = forward.flatMap((line, i) => (line.includes('seccomp(SECCOMP_SET_MODE_FILTER') ? [i] : []));
    const read = forward.flatMap((line, i) => (/openat\(.*"\/proc\/\d+\/cmdline"/.test(line) ? [i] : []));
    t.is(filters.length, 2);
    t.true(read.length > 0, 'the arguments of what runs already are read');
    const [first = 0, second = 0] = filters;
    t.deepEqual(
      read.filter((i) => i < first || i > second),
      [],
    );
    t.deepEqual(
      forward.slice(second).filter((line) => line.includes('openat(')),
      [],
    );
  },
);

kernelTest('Landlock is in force where the kernel has it', async (t) => {
  if (helper === undefined) throw new Error('no helper');
  const client = new PipeClient(helper.socket);
  await client.until(() => client.events.length > 0);
  const { landlock } = client.hello.privileges;
  client.close();
  // The version of Landlock that the kernel offers, asked of the kernel itself.
  const offered = Number(
    spawnSync('python3', ['-c', 'import ctypes; print(ctypes.CDLL(None).syscall(444, 0, 0, 1))'], { encoding: 'utf8' })
      .stdout || existsSync('/sys/kernel/security/landlock'),
  );
  t.is(landlock, Math.max(0, offered));
});

kernelTest('the helper runs where memory can never become executable (MemoryDenyWriteExecute)', async (t) => {
  const run = await startHelper([], { wrapper: [fixture('deny-write-execute')] });
  const client = new PipeClient(run.socket);
  await client.until(() => client.events.length > 0);
  t.is(client.hello.privileges.capabilities, '0');
  client.close();
  t.is(await run.stop(), 0);
});

kernelTest('a SIGTERM that comes while the filters are put in force ends the helper all the same', async (t) => {
  for (const nth of [1, 2]) {
    const folder = mkdtempSync('/var/lib/platform-probes/early-');
    const args = ['--socket', `/run/${path.basename(folder)}/events.sock`];
    const accounts = ['--user', String(HELPER_UID), '--group', String(CLIENT_GID)];
    // io_uring's filter is the first one of all; strace counts those of the whole run.
    const inject = `inject=seccomp:signal=SIGTERM:when=${nth + 1}`;
    const tracer = ['-f', '-o', '/dev/null', '-e', 'trace=seccomp', '-e', inject];
    const { status, signal, error } = spawnSync(
      'strace',
      [...tracer, ...helperCommand(), 'run', ...args, ...accounts],
      {
        stdio: 'ignore',
        timeout: 20_000 * PATIENCE,
        killSignal: 'SIGKILL',
      },
    );
    t.deepEqual([status, signal, error], [0, null, undefined], `filter ${nth}`);
    rmSync(folder, { recursive: true });
    rmSync(path.dirname(args[1] ?? ''), { recursive: true, force: true });
  }
});
