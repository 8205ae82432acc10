// Run by test/kernels/run.ts on every kernel: how the helper starts there, and what it says where something is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { EXIT_CODES, type ErrorCode } from '../../helper/errors.ts';
import { CLIENT_GID, HELPER_UID, helperCommand, runHelper, threadStatuses } from '../support/helper-process.ts';
import type { ClockEvent } from '../../shared/events/clock.ts';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { run, Session } from '../support/session.ts';

const [major = 0, minor = 0] = release().split('.').map(Number);
const since = (...[first, second]: [number, number]): boolean => major > first || (major === first && minor >= second);

test.serial('the helper forwards without privilege, filtered by seccomp, and by Landlock from 5.13 on', async (t) => {
  const session = await Session.open();
  t.teardown(() => session.close());
  const { privileges } = session.client.hello;
  t.log(`kernel ${release()}, Landlock ${privileges.landlock}`);
  t.is((privileges.landlock ?? 0) > 0, since(5, 13));
  t.deepEqual(
    { ...privileges, threads: 0, landlock: 0 },
    { uid: HELPER_UID, gid: HELPER_UID, threads: 0, capabilities: '0', no_new_privs: true, seccomp: 2, landlock: 0 },
  );
  for (const status of threadStatuses(session.helper.pid, [String(session.helper.pid)]))
    t.is(status.get('Seccomp'), '2');
  await session.settle();
});

test.serial(
  'with --pin, --failures works from 5.15 on; before, one line says that it cannot, and nothing stays pinned',
  async (t) => {
    const socket = '/run/probes-pinned-failures/events.sock';
    const pins = '/sys/fs/bpf/probes-pinned-failures';
    t.teardown(() => rmSync(pins, { recursive: true, force: true }));
    if (since(5, 15)) {
      const session = await Session.open(['--pin', '--failures'], { socket });
      t.teardown(() => session.close());
      t.true(session.client.hello.programs.includes('on_execve'));
      await session.settle();
      t.true(readdirSync(pins).some((file) => file.startsWith('link-on_execve')));
    } else {
      const { code, stderr } = await runHelper([
        'run',
        '--socket',
        socket,
        '--user',
        String(HELPER_UID),
        '--group',
        String(CLIENT_GID),
        '--pin',
        '--failures',
      ]);
      t.is(code, EXIT_CODES.HELPER_UNSUPPORTED, stderr);
      t.regex(stderr, /^probes-helper [\d.]+: HELPER_UNSUPPORTED: .*--failures.*--pin.*5\.15.*\n$/);
      t.deepEqual(existsSync(pins) ? readdirSync(pins) : [], []);
    }
  },
);

/** Starts the helper in a mount namespace where `hide` was run, and gives what it said. */
function startWhere(hide: string, ...args: string[]): { status: number | null; stderr: string } {
  const command = [
    ...helperCommand(),
    'run',
    '--socket',
    '/run/probes-missing/events.sock',
    '--user',
    String(HELPER_UID),
    '--group',
    String(CLIENT_GID),
    ...args,
  ];
  return spawnSync('unshare', ['-m', 'sh', '-ec', `${hide}; exec "$@"`, 'sh', ...command], {
    encoding: 'utf8',
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
}

for (const [what, hide, args, code] of [
  ['type information', 'mount -t tmpfs none /sys/kernel/btf', [], 'HELPER_NO_BTF'],
  ['tracefs, for --failures', 'umount /sys/kernel/tracing', ['--failures'], 'HELPER_NO_TRACEFS'],
  ['the BPF file system, for --pin', 'umount /sys/fs/bpf', ['--pin'], 'HELPER_NO_BPFFS'],
] as const satisfies readonly (readonly [string, string, readonly string[], ErrorCode])[]) {
  test.serial(`without ${what}, one line says so`, (t) => {
    const { status, stderr } = startWhere(hide, ...args);
    t.is(status, EXIT_CODES[code], stderr);
    t.regex(stderr, new RegExp(`^probes-helper [\\d.]+: ${code}: .*\\n$`));
  });
}

test.serial('a wall clock that is stepped by a day is followed, and the stream says so', async (t) => {
  if (hostname() !== 'guest' || !existsSync('/run/guest/command'))
    throw new Error('this test steps the clock, and only that of an emulated machine');
  const stepBy = (seconds: number): void => {
    t.is(spawnSync('date', ['-s', `@${Math.floor(Date.now() / 1000) + seconds}`]).status, 0);
  };
  const session = await Session.open();
  t.teardown(() => session.close());
  const told = async (mark: string): Promise<ExecEvent> => {
    const { pid } = await run('/bin/true', [mark]);
    return session.exec(pid);
  };
  for (const step of [86_400, -86_400]) {
    const before = await told('before');
    t.true(Math.abs(before.timestamp - Date.now() / 1000) < 30);
    await delay(2000);
    stepBy(step);
    const after = await told('after');
    t.true(Math.abs(after.timestamp - Date.now() / 1000) < 30);
    const clocks = session.client.events.filter((event): event is ClockEvent => event.type === 'clock');
    const clock = clocks.at(-1);
    t.true(Math.abs((Date.parse(clock?.to ?? '') - Date.parse(clock?.from ?? '')) / 1000 - step) < 30);
    t.true(before.seq < (clock?.from_seq ?? 0) && (clock?.from_seq ?? Infinity) <= after.seq);
  }
  await session.settle();
});
