import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { auditProcess, findHelper } from '../../helper/linux/audit/process.ts';
import { auditProgress } from '../../helper/linux/audit/progress.ts';
import type { Handoff } from '../../helper/linux/handoff.ts';
import type { Installation } from '../../helper/installation.ts';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_UID, helperFolder, runHelper, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { kernelTest, pinnedTracepointTest } from '../support/requirements.ts';
import { numberOf } from '../support/system-calls.ts';

interface Report {
  ok: boolean;
  findings: { code: string; message: string }[];
  process: Record<string, unknown>;
  kernel: { attached: { attach_point: string }[]; counters: Record<string, number> };
  pipe: { clients: Record<string, number>; connected: { pid: number; uid: number }[]; last_seq: number };
}

const MANIFEST = path.resolve(import.meta.dirname, '../../dist/manifest.json');
let helper: RunningHelper;

const start = async (...args: string[]): Promise<void> => {
  helper = await startHelper(['--pin', ...args]);
};
const pins = (): string => `/sys/fs/bpf/${path.basename(path.dirname(helper.socket))}`;

async function audit(socket = helper.socket): Promise<Report & { code: number | null }> {
  const { code, stdout, stderr } = await runHelper(['audit', '--json', '--socket', socket, '--manifest', MANIFEST]);
  if (stdout === '') throw new Error(stderr);
  return { ...(JSON.parse(stdout) as Report), code };
}

test.afterEach.always(async () => {
  const folder = helper === undefined ? undefined : pins();
  await helper?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

kernelTest(
  'a helper with a network of its own is audited like any other, and so is a socket in its place',
  async (t) => {
    helper = await startHelper([], { wrapper: ['unshare', '--net'] });
    t.not(readlinkSync(`/proc/${helper.pid}/ns/net`), readlinkSync('/proc/self/ns/net'));
    t.deepEqual((await audit()).findings, []);
    rmSync(helper.socket);
    const server = createServer().listen(helper.socket);
    await once(server, 'listening');
    const codes = (await audit()).findings.map(({ code }) => code);
    server.close();
    t.true(codes.includes('SOCKET_REPLACED'), codes.join());
  },
);

kernelTest('a helper is healthy whatever the path of its socket holds, and however it is asked for', async (t) => {
  const folder = mkdtempSync('/run/platform-probes-test-');
  t.teardown(() => rmSync(folder, { recursive: true }));
  const asked = path.join(folder, 'by link');
  mkdirSync(path.join(folder, 'ü 1'), { mode: 0o750 });
  symlinkSync(path.join(folder, 'ü 1'), asked);
  helper = await startHelper([], { socket: path.join(asked, 'ü  2.sock') });
  const real = path.join(folder, 'ü 1/ü  2.sock');
  for (const socket of [helper.socket, real, path.relative('', real), `${folder}/./ü 1/../by link/ü  2.sock`])
    t.deepEqual((await audit(socket)).findings, [], socket);
  rmSync(real);
  const server = createServer().listen(real);
  await once(server, 'listening');
  const codes = (await audit()).findings.map(({ code }) => code);
  server.close();
  t.true(codes.includes('SOCKET_REPLACED'), codes.join());
});

pinnedTracepointTest('a healthy helper has no findings, as text and as JSON', async (t) => {
  await start('--exits', '--failures');
  const report = await audit();
  t.deepEqual(report.findings, []);
  t.true(report.ok);
  t.is(report.code, 0);
  // Kernels before 6.16 do not say of a link to a system call tracepoint to which.
  const calls = ['sys_enter_execve', 'sys_enter_execveat', 'sys_exit_execve', 'sys_exit_execveat'];
  const points = report.kernel.attached.map(({ attach_point }) => attach_point).toSorted();
  const three = ['sched_process_exec', 'sched_process_exit'].flatMap((point) => [point, point, point]);
  t.deepEqual(points, [...three, ...(points.includes('perf') ? calls.map(() => 'perf') : calls)].toSorted());
  const text = await runHelper(['audit', '--socket', helper.socket, '--manifest', MANIFEST]);
  t.is(text.code, 0);
  t.regex(text.stdout, /No findings\.\n$/);
});

kernelTest('a helper with the environment, forks and all ends is healthy too', async (t) => {
  await start('--env', 'LD_PRELOAD', '--forks', '--exits');
  const report = await audit();
  t.deepEqual(report.findings, []);
  const points = report.kernel.attached.map(({ attach_point }) => attach_point).toSorted();
  const three = ['sched_process_exec', 'sched_process_exit', 'sched_process_fork'];
  t.deepEqual(
    points,
    three.flatMap((point) => [point, point, point]),
  );
});

kernelTest('a helper that took over pinned programs is as healthy as one that loaded them', async (t) => {
  await start();
  const { socket } = helper;
  helper.process.kill('SIGKILL');
  await once(helper.process, 'exit');
  helper = await startHelper(['--pin'], { socket });
  t.deepEqual((await audit()).findings, []);
});

kernelTest('who is connected, who wrote and who was refused is counted', async (t) => {
  await start();
  const client = new PipeClient(helper.socket);
  await client.until(() => client.events.length > 0);
  const writer = connect(helper.socket)
    .on('error', () => {})
    .resume();
  await once(writer, 'connect');
  writer.write('x');
  await new Promise((resolve) => writer.on('close', resolve));
  await delay(2500); // the helper tells once a second
  const { pipe } = await audit();
  t.deepEqual(pipe.connected, [{ pid: client.process.pid as number, uid: CLIENT_UID }]);
  t.is(pipe.clients['wrote'], 1);
  t.is(pipe.clients['accepted'], 2);
  client.close();
});

/** Each plants one fault in a healthy system and takes it away again. */
const FAULTS: [title: string, code: string, plant: () => void | Promise<void>, mend: () => void | Promise<void>][] = [
  ['a wider socket mode', 'SOCKET_MODE', () => chmodSync(helper.socket, 0o666), () => chmodSync(helper.socket, 0o660)],
  [
    'a socket folder that everyone can enter',
    'FOLDER_MODE',
    () => chmodSync(path.dirname(helper.socket), 0o755),
    () => chmodSync(path.dirname(helper.socket), 0o750),
  ],
  [
    'a folder above the binary that others can write',
    'FILE_UNSAFE',
    () => chmodSync(helperFolder(), 0o777),
    () => chmodSync(helperFolder(), 0o755),
  ],
  [
    'a changed probe object',
    'PROBE_CHANGED',
    () => {
      cpSync(`${helperFolder()}/exec.bpf.o`, `${helperFolder()}/kept`);
      appendFileSync(`${helperFolder()}/exec.bpf.o`, 'x');
    },
    () => renameSync(`${helperFolder()}/kept`, `${helperFolder()}/exec.bpf.o`),
  ],
  [
    'a foreign pin',
    'PIN_FOREIGN',
    () => {
      // A name of ours, but of another object; and whatever is behind it.
      const link = readdirSync(pins()).find((name) => name.startsWith('link-on_exec')) as string;
      const planted = spawnSync(fixture('repin'), [`${pins()}/${link}`, `${pins()}/link-on_exec-0123456789ab-1`]);
      if (planted.status !== 0) throw new Error(planted.stderr.toString());
    },
    () => rmSync(`${pins()}/link-on_exec-0123456789ab-1`),
  ],
  [
    "another socket in the place of the helper's",
    'SOCKET_REPLACED',
    async () => {
      renameSync(helper.socket, `${helper.socket}.kept`);
      impostor = createServer().listen(helper.socket);
      await once(impostor, 'listening');
    },
    async () => {
      impostor?.close();
      renameSync(`${helper.socket}.kept`, helper.socket);
    },
  ],
];
let impostor: ReturnType<typeof createServer> | undefined;

for (const [title, code, plant, mend] of FAULTS) {
  kernelTest(`${title} is found`, async (t) => {
    await start();
    await plant();
    try {
      const report = await audit();
      t.is(report.code, 1);
      t.true(
        report.findings.some((finding) => finding.code === code),
        JSON.stringify(report.findings),
      );
    } finally {
      await mend();
    }
    t.deepEqual(
      (await audit()).findings.filter((finding) => finding.code === code),
      [],
    );
  });
}

/** Waits until the process is in this state, by the kernel's word. */
async function untilState(state: RegExp): Promise<void> {
  const current = (): string => readFileSync(`/proc/${helper.pid}/stat`, 'latin1').replace(/^.*\) /s, '');
  while (!state.test(current())) await delay(10);
}

/** The findings of an audit, each with its message. */
async function stoppedFindings(): Promise<string[]> {
  const { findings, code } = await audit();
  if (code !== 1) return [`exit code ${code}`];
  return findings.map(({ code: finding, message }) => `${finding} ${message}`);
}

kernelTest('a helper that a signal has stopped is found, and one that goes on again is healthy', async (t) => {
  await start();
  helper.process.kill('SIGSTOP');
  await untilState(/^T/);
  const messages = await stoppedFindings();
  helper.process.kill('SIGCONT');
  t.is(messages.length, 1, messages.join('\n'));
  t.regex(
    messages[0] ?? '',
    new RegExp(`^HELPER_STOPPED .*a signal has stopped it. Continue it: kill -CONT ${helper.pid}$`),
  );
  await untilState(/^S/);
  t.deepEqual((await audit()).findings, []);
});

kernelTest('a helper whose control group is frozen is found', async (t) => {
  const root = ['/sys/fs/cgroup/freezer', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find(
    (folder) => existsSync(`${folder}/cgroup.procs`) && accessible(folder),
  );
  if (root === undefined) return void t.pass('no control group can be made here');
  await start();
  const group = `${root}/probes-test-${process.pid}`;
  mkdirSync(group);
  const [file, frozen, thawed] = existsSync(`${group}/freezer.state`)
    ? ['freezer.state', 'FROZEN', 'THAWED']
    : ['cgroup.freeze', '1', '0'];
  try {
    writeFileSync(`${group}/cgroup.procs`, String(helper.pid));
    writeFileSync(`${group}/${file}`, frozen as string);
    await delay(200);
    const messages = await stoppedFindings();
    t.is(messages.length, 1, messages.join('\n'));
    t.regex(messages[0] ?? '', /^HELPER_STOPPED .*control group is frozen/);
  } finally {
    writeFileSync(`${group}/${file}`, thawed as string);
    writeFileSync(`${root}/cgroup.procs`, String(helper.pid));
    await delay(100);
    rmdirSync(group);
  }
  t.deepEqual((await audit()).findings, []);
});

const accessible = (folder: string): boolean => {
  try {
    mkdirSync(`${folder}/probes-try-${process.pid}`);
    rmdirSync(`${folder}/probes-try-${process.pid}`);
    return true;
  } catch {
    return false;
  }
};

kernelTest('a helper that a tracer holds, and one whose loop hangs, are found', async (t) => {
  await start();
  const tracer = spawn(fixture('hold-traced'), [String(helper.pid)], { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(tracer.stdout, 'data');
  const messages = await stoppedFindings();
  tracer.stdin.end();
  await once(tracer, 'exit');
  t.is(messages.length, 1, messages.join('\n'));
  t.regex(messages[0] ?? '', new RegExp(`^HELPER_STOPPED .*process ${tracer.pid} traces it`));

  // The audit's own part, on a process that runs and whose state does not change.
  const busy = spawn('/bin/sh', ['-c', 'while :; do sleep 0.05; done'], { stdio: 'ignore' });
  await delay(100);
  const { facts, findings } = auditProgress(busy.pid as number, () => 7);
  let turn = 0;
  t.deepEqual(auditProgress(busy.pid as number, () => turn++).findings, []);
  busy.kill('SIGKILL');
  t.deepEqual(
    findings.map(({ code }) => code),
    ['HELPER_STALLED'],
  );
  t.is(facts['ran'], true);
});

kernelTest("another process's lock on a file of the same number is not taken for the helper's", async (t) => {
  await start();
  const lock = `${helper.socket}.lock`;
  t.is(findHelper(lock), helper.pid);
  // As on a file system that a user mounts, where numbers begin at 1 again.
  const folder = mkdtempSync('/run/probes-same-number-');
  t.is(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]).status, 0);
  const wanted = lstatSync(lock).ino;
  try {
    const files: string[] = [];
    while (wanted < 200_000 && !files.some((file) => lstatSync(file).ino === wanted) && files.length <= wanted) {
      files.push(`${folder}/${files.length}`);
      writeFileSync(files.at(-1) as string, '');
    }
    const same = files.find((file) => lstatSync(file).ino === wanted);
    if (same === undefined) return void t.pass('the numbers of this file system are too large to reach');
    const holder = spawn('flock', [same, 'sleep', '60'], { stdio: 'ignore' });
    await delay(300);
    helper.process.kill('SIGKILL');
    await once(helper.process, 'exit');
    t.is(findHelper(lock), undefined);
    holder.kill('SIGKILL');
  } finally {
    spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  }
});

kernelTest(
  'a FIFO, a folder and a file without end in the place of the manifest are refused, not waited for',
  async (t) => {
    await start();
    const folder = mkdtempSync('/var/lib/platform-probes/manifest-');
    const fifo = path.join(folder, 'fifo');
    t.is(spawnSync('mkfifo', [fifo]).status, 0);
    for (const manifest of [fifo, folder, '/dev/zero']) {
      const { code, stderr } = await runHelper(['audit', '--socket', helper.socket, '--manifest', manifest]);
      t.is(code, 2, manifest);
      t.regex(stderr, /--manifest: cannot read .*is not a file/);
    }
    const large = path.join(folder, 'large');
    writeFileSync(large, '');
    truncateSync(large, 2 ** 40);
    t.regex((await runHelper(['audit', '--manifest', large])).stderr, /larger than 1048576 bytes/);
    rmSync(folder, { recursive: true });
  },
);

kernelTest('a file that cannot be loaded is a finding, and does not end the audit', async (t) => {
  await start();
  const damages: ((file: string) => void)[] = [
    (file) => writeFileSync(file, ''),
    (file) => writeFileSync(file, readFileSync(`${file}.kept`).subarray(0, 3000)),
    (file) => mkdirSync(file),
  ];
  for (const name of ['koffi.node', 'exec.bpf.o'])
    for (const [i, damage] of damages.entries()) {
      const file = path.join(helperFolder(), name);
      renameSync(file, `${file}.kept`);
      try {
        damage(file);
        const { code, findings } = await audit();
        t.is(code, 1);
        t.true(
          findings.some((found) => /^FILE_(?:CHANGED|MISSING)$/.test(found.code) && found.message.startsWith(file)),
          `${name} ${i}: ${JSON.stringify(findings)}`,
        );
        t.false(
          findings.some((found) => /^PROGRAM_|^PIN_/.test(found.code)),
          JSON.stringify(findings),
        );
      } finally {
        rmSync(file, { recursive: true });
        renameSync(`${file}.kept`, file);
      }
    }
  t.deepEqual((await audit()).findings, []);
});

kernelTest('the report names the manifest that was compared with by its hash', async (t) => {
  await start();
  const report = (await audit()) as unknown as { files: { manifest_sha256: string } };
  t.is(report.files.manifest_sha256, createHash('sha256').update(readFileSync(MANIFEST)).digest('hex'));
});

kernelTest('a program that is not attached any more is found', async (t) => {
  await start('--no-pin');
  // From inside: the helper closes its link.
  const link = readdirSync(`/proc/${helper.pid}/fd`).find((fd) =>
    readlinkSync(`/proc/${helper.pid}/fd/${fd}`).includes('bpf_link'),
  );
  t.is(
    spawnSync(fixture('inject-syscall'), [
      String(helper.pid),
      String(numberOf('close')),
      String(link),
    ]).stdout.toString(),
    '0\n',
  );
  const report = await audit();
  t.is(report.code, 1);
  t.deepEqual(
    report.findings.map(({ code }) => code),
    ['PROGRAM_DETACHED'],
  );
});

kernelTest('privilege that is left, another program and foreign code are found in a process', async (t) => {
  // A process of root in the helper's place: the audit's own part, on a real process.
  const pause = fixture('pause');
  const standIn = spawn(pause, { stdio: ['pipe', 'ignore', 'ignore'] });
  const codes = (command: string): string[] =>
    auditProcess(
      standIn.pid as number,
      { uid: 64911, gid: 64911, landlock: 0 } as Handoff,
      { command: [command] } as unknown as Installation,
    ).findings.map(({ code }) => code);
  await delay(100);
  t.true(codes(pause).includes('PROCESS_PRIVILEGE'));
  t.false(codes(pause).includes('PROCESS_OTHER_PROGRAM'));
  t.true(codes('/bin/true').includes('PROCESS_OTHER_PROGRAM'));
  chownSync(pause, 4242, 0);
  t.true(codes(pause).includes('PROCESS_FOREIGN_CODE'));
  chownSync(pause, 0, 0);
  standIn.stdin?.end();
  await once(standIn, 'exit');
});

kernelTest('without a helper, and without root, the audit says so', async (t) => {
  await start();
  const none = await audit('/run/platform-probes-nowhere/events.sock');
  t.is(none.code, 1);
  t.deepEqual(
    none.findings.map(({ code }) => code),
    ['HELPER_NOT_RUNNING'],
  );
  t.is((await runHelper(['audit'], { uid: 4242 })).code, 3);
  t.is((await runHelper(['audit', '--manifest', '/no/such'])).code, 2);
});
