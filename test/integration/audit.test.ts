import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, cpSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { auditProcess } from '../../helper/linux/audit/process.ts';
import type { Handoff } from '../../helper/linux/root/handoff.ts';
import type { Installation } from '../../helper/installation.ts';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_UID, helperFolder, runHelper, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { kernelTest, pinnedTracepointTest } from '../support/requirements.ts';

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

kernelTest('a program that is not attached any more is found', async (t) => {
  await start('--no-pin');
  // From inside: the helper closes its link.
  const link = readdirSync(`/proc/${helper.pid}/fd`).find((fd) =>
    readlinkSync(`/proc/${helper.pid}/fd/${fd}`).includes('bpf_link'),
  );
  t.is(spawnSync(fixture('inject-syscall'), [String(helper.pid), '3', String(link)]).stdout.toString(), '0\n');
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
