import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import test from 'ava';
import { fixture } from '../support/fixtures.ts';
import { startHelper, threadStatuses, type RunningHelper } from '../support/helper-process.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';

let helper: RunningHelper | undefined;

test.before(async () => {
  if (process.getuid?.() === 0 && process.arch === 'x64') helper = await startHelper();
});

test.after.always(async () => {
  await helper?.stop();
});

/** What a system call returns that a thread of the helper makes. */
function inside(thread: number, number: number, ...args: (number | string)[]): number {
  const run = spawnSync(fixture('inject-syscall'), [String(thread), String(number), ...args.map(String)], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return Number(run.stdout);
}

const EPERM = -1;
const AF_UNIX = 1;
const AF_INET = 2;
const O_WRONLY_CREAT = 0o101;

const FORBIDDEN: [what: string, number: number, ...args: (number | string)[]][] = [
  ['start a program', 59, '@/bin/true', 0, 0],
  ['start a program from a descriptor', 322, 0, '@/bin/true', 0, 0, 0],
  ['make a process', 57],
  ['make a process (vfork)', 58],
  ['make a thread or process (clone)', 56, 0x11, 0, 0, 0, 0],
  ['make a thread or process (clone3)', 435, '@x', 88],
  ['trace another process', 101, 16, 1, 0, 0],
  ['read the memory of another process', 310, 1, 0, 0, 0, 0, 0],
  ['make a Unix socket', 41, AF_UNIX, 1, 0],
  ['make a TCP socket', 41, AF_INET, 1, 0],
  ['connect', 42, 0, '@x', 16],
  ['bind', 49, 0, '@x', 16],
  ['read from a client (recvfrom)', 45, 0, '@x', 1, 0, 0, 0],
  ['read from a client (recvmsg)', 47, 0, '@x', 0],
  ['open a file for reading', 257, -100, '@/etc/passwd', 0, 0],
  ['open a file for writing', 257, -100, '@/run/x', O_WRONLY_CREAT, 0o600],
  ['open a file (open)', 2, '@/etc/passwd', 0, 0],
  ['open a file (openat2)', 437, -100, '@/etc/passwd', 0, 24],
  ['remove a file', 87, '@/run/x'],
  ['change a mode', 90, '@/run', 0o777],
  ['make a BPF call', 321, 0, '@x', 8],
  ['make an io_uring', 425, 8, '@x'],
  ['become root', 105, 0],
  ["take root's group", 106, 0],
  ['take all ids back', 117, 0, 0, 0],
  ['take capabilities', 126, '@x', '@x'],
  ['set a process attribute (prctl)', 157, 38, 1, 0, 0, 0],
  ['signal another process', 62, 1, 0],
  ['mount', 165, '@x', '@/mnt', '@tmpfs', 0, 0],
  ['load a kernel module', 313, 0, '@x', 0],
  ['unshare a namespace', 272, 0x10000000],
  ['map memory that can be executed', 9, 0, 4096, 7, 0x22, -1, 0],
  ['another ioctl than the two it needs', 16, 0, 0x5413, '@x'],
  ['take a descriptor of another process', 438, 0, 0, 0],
  ['call what does not exist', 9999],
];

kernelTest('from inside the helper, everything but forwarding is refused, on every thread', async (t) => {
  if (helper === undefined) {
    t.pass('system calls are injected on x86-64 only');
    return;
  }
  const threads = readdirSync(`/proc/${helper.pid}/task`).map(Number);
  for (const status of threadStatuses(helper.pid, threads.map(String))) t.is(status.get('Seccomp'), '2');
  for (const [what, number, ...args] of FORBIDDEN) {
    for (const thread of [helper.pid, threads.at(-1) as number]) {
      const result = inside(thread, number, ...args);
      t.is(result, EPERM, `${what}, in thread ${thread}: ${result}`);
    }
  }
  t.is(inside(helper.pid, 39), helper.pid, 'what is allowed does work: getpid');
  const client = new PipeClient(helper.socket);
  await client.until(() => client.events.length > 0);
  client.close();
});

kernelTest('Landlock is in force where the kernel has it', async (t) => {
  if (helper === undefined) {
    t.pass('x86-64 only');
    return;
  }
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
