import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { fixture } from '../support/fixtures.ts';
import {
  CLIENT_GID,
  HELPER_UID,
  helperFolder,
  runHelper,
  startHelper,
  threadStatuses,
  type RunningHelper,
} from '../support/helper-process.ts';
import { PipeClient, requireDense, settledHeartbeat } from '../support/pipe-client.ts';
import { kernelTest, tracepointTest } from '../support/requirements.ts';

const helpers: RunningHelper[] = [];
const clients: PipeClient[] = [];

const start = async (...args: Parameters<typeof startHelper>): Promise<RunningHelper> => {
  const helper = await startHelper(...args);
  helpers.push(helper);
  return helper;
};
const join = async (helper: RunningHelper, options?: { uid?: number; gid?: number }): Promise<PipeClient> => {
  const client = new PipeClient(helper.socket, options);
  clients.push(client);
  await client.until(() => client.events.length > 0);
  return client;
};

test.afterEach.always(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const helper of helpers.splice(0)) await helper.stop();
});

/** Runs `count` programs whose last argument is `mark`; does not block, so that clients of this process go on reading. */
const storm = async (count: number, mark: string): Promise<void> => {
  const run = spawn(fixture('exec-storm'), [fixture('no-op'), String(count), '1', mark], { stdio: 'ignore' });
  const [code] = (await once(run, 'exit')) as [number];
  if (code !== 0) throw new Error(`exec-storm ended with ${code}`);
};
const marked = (client: PipeClient, mark: string): ExecEvent[] =>
  client.execs.filter(({ filename, argv }) => filename === fixture('no-op') && argv?.at(-1) === mark);

kernelTest('hello says who speaks, what it runs and what it may still do', async (t) => {
  const helper = await start();
  const { hello } = await join(helper);
  t.is(hello.protocol, 1);
  t.is(hello.platform, 'linux');
  t.is(hello.boot_id, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  t.deepEqual(hello.programs, ['on_exec', 'on_exec_second', 'on_exec_third']);
  t.deepEqual(
    { ...hello.privileges, threads: 0 },
    {
      uid: HELPER_UID,
      gid: HELPER_UID,
      threads: 0,
      capabilities: '0',
      no_new_privs: true,
      seccomp: 2,
      landlock: hello.privileges.landlock,
    },
  );
  const hash = spawnSync('sha256sum', [`${helperFolder()}/exec.bpf.o`])
    .stdout.toString()
    .slice(0, 64);
  t.is(hello.probe_sha256, hash);
});

for (const flavour of ['built', 'source'] as const) {
  kernelTest(`every thread of the ${flavour} helper is without privilege while it forwards`, async (t) => {
    const helper = await start([], { flavour });
    const client = await join(helper);
    await storm(10, 'alive');
    await client.exec(({ argv }) => argv?.at(-1) === 'alive');
    const threads = readdirSync(`/proc/${helper.pid}/task`);
    t.is(threads.length, client.hello.privileges.threads ?? 0);
    for (const status of threadStatuses(helper.pid, threads)) {
      t.is(status.get('Uid'), Array.from({ length: 4 }, () => HELPER_UID).join('\t'));
      t.is(status.get('Gid'), Array.from({ length: 4 }, () => HELPER_UID).join('\t'));
      t.is(status.get('Groups')?.trim(), '');
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        t.is(status.get(set), '0000000000000000', set);
      t.is(status.get('NoNewPrivs'), '1');
    }
    t.is(readFileSync(`/proc/${helper.pid}/environ`, 'latin1'), '');
  });
}

kernelTest('the socket and its folder are for root and the group alone', async (t) => {
  const { socket } = await start();
  const folder = statSync(path.dirname(socket));
  t.deepEqual([folder.mode & 0o7777, folder.uid, folder.gid], [0o750, 0, CLIENT_GID]);
  const file = lstatSync(socket);
  t.true(file.isSocket());
  t.deepEqual([file.mode & 0o7777, file.uid, file.gid], [0o660, 0, CLIENT_GID]);
});

kernelTest('a user outside the group cannot open the socket, nor with the folder open', async (t) => {
  const helper = await start();
  const stranger = new PipeClient(helper.socket, { uid: 4242, gid: 4242 });
  t.is(await stranger.ended(), 'EACCES');
  // The second line of defence: with every mode wide open, the peer's credentials still decide.
  chmodSync(path.dirname(helper.socket), 0o755);
  chmodSync(helper.socket, 0o666);
  const again = new PipeClient(helper.socket, { uid: 4242, gid: 4242 });
  await again.ended();
  t.deepEqual(again.lines, []);
  t.true((await join(helper)).events.length > 0, 'members of the group come in');
  t.true((await join(helper, { uid: 0, gid: 0 })).events.length > 0, 'so does root');
});

kernelTest('a client that writes is dropped, its bytes unread, and nobody else notices', async (t) => {
  const helper = await start();
  const reader = await join(helper);
  const writer = connect(helper.socket);
  let got = '';
  writer.on('data', (chunk: Buffer) => (got += chunk.toString()));
  writer.on('error', () => {});
  while (!got.includes('\n')) await once(writer, 'data');
  const before = readFileSync(`/proc/${helper.pid}/io`, 'latin1');
  const closed = new Promise((resolve) => writer.on('close', resolve));
  writer.write('x'.repeat(100_000));
  await closed;
  t.regex(got, /^\{"type":"hello"/);
  await storm(5, 'after');
  await reader.exec(({ argv }) => argv?.at(-1) === 'after');
  requireDense(reader.events);
  const read = (io: string): number => Number(/^rchar: (\d+)/m.exec(io)?.[1]);
  t.true(
    read(readFileSync(`/proc/${helper.pid}/io`, 'latin1')) - read(before) < 5000,
    "the client's bytes were not read",
  );
});

kernelTest('a new client gets everything the backlog holds, then what comes', async (t) => {
  const helper = await start();
  const first = await join(helper);
  await storm(300, 'early');
  await first.until(() => marked(first, 'early').length === 300);
  const second = await join(helper);
  await storm(100, 'late');
  for (const client of [first, second]) {
    await client.until(() => marked(client, 'late').length === 100);
    t.is(marked(client, 'early').length, 300);
    requireDense(client.events);
  }
  t.is(second.hello.oldest_held_seq, second.hello.first_seq);
  const [a, b] = [first, second].map((client) =>
    client.lines.filter((line) => line.includes('"seq"') && !line.includes('"hello"')),
  );
  // Not one longer than the other: programs of the machine go on starting while we look.
  t.true(b?.every((line, i) => a?.[i] === undefined || a[i] === line));
});

kernelTest('a backlog that overflows forgets its oldest events and says from where it holds them', async (t) => {
  const helper = await start(['--backlog', '1MiB']);
  const first = await join(helper);
  await storm(4000, 'many');
  // Not the next client itself: events that arrive after its hello were never held for it.
  await first.until(() => marked(first, 'many').length === 4000);
  const client = await join(helper);
  await client.exec(({ argv }) => argv?.[2] === '3999');
  const { hello } = client;
  t.true((hello.oldest_held_seq ?? 0) > hello.first_seq);
  t.is(client.execs[0]?.seq, hello.oldest_held_seq);
  requireDense(client.events);
  const held = client.lines
    .slice(1)
    .filter((line) => Number(/"seq":(\d+)/.exec(line)?.[1]) <= hello.last_seq)
    .reduce((bytes, line) => bytes + line.length + 1, 0);
  t.true(held <= 1024 * 1024 && held > 900_000, `${held} bytes`);
});

kernelTest('a client that does not read costs nobody anything and is dropped when the backlog passes it', async (t) => {
  const helper = await start(['--backlog', '1MiB']);
  const reader = await join(helper);
  const sleeper = connect(helper.socket);
  sleeper.on('error', () => {});
  sleeper.pause();
  await once(sleeper, 'connect');
  await storm(6000, 'flood');
  await reader.until(() => marked(reader, 'flood').length === 6000);
  requireDense(reader.events);
  // Now it wakes up: what was in its socket arrives, then the end of the connection.
  let bytes = 0;
  sleeper.on('data', (chunk: Buffer) => (bytes += chunk.length));
  sleeper.resume();
  await once(sleeper, 'close');
  t.true(bytes > 0 && bytes < 1024 * 1024, `${bytes} bytes`);
});

kernelTest("a ring that overflows becomes gaps, and events and gaps add up to the kernel's count", async (t) => {
  const helper = await start(['--ring', '64KiB']);
  const client = await join(helper);
  helper.process.kill('SIGSTOP');
  await storm(2000, 'lost');
  helper.process.kill('SIGCONT');
  const heartbeat = await client.until(() => settledHeartbeat(client));
  const gaps = client.events.filter((event) => event.type === 'gap');
  t.true(gaps.length > 0);
  t.true(
    gaps.every((gap) => gap.hop === 'ring' && gap.cause === 'ring_full' && gap.last - gap.first + 1 === gap.count),
  );
  requireDense(client.events);
  const upTo = client.events.slice(0, client.events.indexOf(heartbeat));
  const events = upTo.filter((event) => event.type === 'exec').length;
  const lost = gaps.reduce((sum, gap) => sum + gap.count, 0);
  t.is(lost, heartbeat.kernel_lost);
  t.is(events + lost, heartbeat.kernel_count);
});

kernelTest('heartbeats come at the rate that hello names and carry the clocks', async (t) => {
  const helper = await start();
  const client = await join(helper);
  const beat = await client.until(
    () => client.events.find((event) => event.type === 'heartbeat'),
    client.hello.heartbeat_seconds + 3,
  );
  if (beat.type !== 'heartbeat') throw new Error('unreachable');
  t.true(Math.abs(Date.parse(beat.time) - Date.parse(beat.wall_clock)) < 1000);
  t.true(Math.abs(beat.boot_clock / 1e6 - Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0])) < 5);
});

kernelTest('SIGTERM sends what there is and ends with exit code 0', async (t) => {
  const helper = await start();
  const client = await join(helper);
  await storm(200, 'final');
  t.is(await helper.stop(), 0);
  await client.ended();
  t.is(marked(client, 'final').length, 200);
});

kernelTest('numbers of a later helper of the same boot never repeat those of an earlier one', async (t) => {
  const first = await start();
  const before = (await join(first)).hello;
  await storm(100, 'x');
  await first.stop();
  const second = await start();
  const after = (await join(second)).hello;
  t.is(after.boot_id, before.boot_id);
  t.true(after.first_seq > before.last_seq + 100);
});

tracepointTest('with --failures, what could not run is told with the path asked for and the reason', async (t) => {
  const helper = await start(['--failures']);
  const client = await join(helper);
  t.deepEqual(client.hello.programs.length, 7);
  const plain = '/var/tmp/not-executable';
  const garbage = '/var/tmp/no-format';
  writeFileSync(plain, '#!/bin/sh\n', { mode: 0o644 });
  writeFileSync(garbage, '\u0001\u0002\u0003', { mode: 0o755 });
  for (const file of ['/no/such/program', plain, garbage])
    spawnSync(fixture('exec-or-fail'), [file, 'an argument', '']);
  const failed = async (file: string) =>
    client.until(() => client.events.find((event) => event.type === 'exec_failed' && event.filename === file));
  for (const [file, error] of [
    ['/no/such/program', 'ENOENT'],
    [plain, 'EACCES'],
    [garbage, 'ENOEXEC'],
  ] as const) {
    const event = await failed(file);
    if (event.type !== 'exec_failed') throw new Error('unreachable');
    t.is(event.error, error);
    t.is(event.exe, fixture('exec-or-fail'));
    t.deepEqual(event.argv, [file, 'an argument', '']);
    t.is(event.command, `${file} an argument `);
  }
  rmSync(plain);
  rmSync(garbage);
  requireDense(client.events);
});

kernelTest('what the helper refuses is one line with a code, a reason and what to do', async (t) => {
  const folder = `/run/platform-probes-test-${process.pid}-refuse`;
  const socket = `${folder}/events.sock`;
  const run = (...args: string[]) =>
    runHelper(['run', '--socket', socket, '--user', String(HELPER_UID), '--group', String(CLIENT_GID), ...args]);
  const refused = async (result: ReturnType<typeof run>, code: number, pattern: RegExp): Promise<void> => {
    const { code: actual, stderr } = await result;
    t.is(actual, code, stderr);
    t.regex(stderr, pattern);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
  };
  await refused(runHelper(['run'], { uid: 4242 }), 3, /^probes-helper [\d.]+: HELPER_NOT_ROOT: .*sudo/);
  await refused(runHelper([]), 2, /HELPER_USAGE: no command.*--help/);
  await refused(run('--rign', '1MiB'), 2, /HELPER_USAGE: .*--rign/);
  await refused(run('--ring', '3MiB'), 2, /power of two.*4194304/);
  await refused(run('--ring', '1KiB'), 2, /--ring: expected bytes from 65536/);
  await refused(run('--user', 'no-such-user'), 5, /no user "no-such-user".*useradd/);
  await refused(run('--group', 'no-such-group'), 5, /no group "no-such-group".*groupadd/);
  await refused(run('--user', '0'), 5, /the user cannot be root/);
  await refused(run('--source', 'etw'), 14, /"ebpf"/);
  await refused(runHelper(['forward', '{}']), 13, /only "run" can start it/);
  chmodSync(helperFolder(), 0o700);
  await refused(run(), 13, /HELPER_HANDOFF: .*EACCES.* readable by the helper's user/);
  chmodSync(helperFolder(), 0o755);
  rmSync(folder, { recursive: true });

  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777);
  await refused(run(), 4, /HELPER_UNSAFE_FILE: .*chmod go-w/);
  chmodSync(folder, 0o750);
  writeFileSync(socket, '');
  await refused(run(), 10, /is not a socket/);
  rmSync(socket);
  const other = createServer().listen(socket);
  await once(other, 'listening');
  await refused(run(), 11, /another program listens/);
  other.close();
  rmSync(`${socket}.lock`);
  spawnSync('mkfifo', [`${socket}.lock`]);
  await refused(run(), 10, /cannot make .*\/events\.sock\.lock: ENXIO/);
  rmSync(folder, { recursive: true, force: true });

  const helper = await start();
  await refused(run('--socket', helper.socket), 11, /another helper holds/);
  t.true(existsSync(helper.socket), 'the first one goes on');
  await join(helper);
});

kernelTest('files that others can write are refused before anything of them is loaded', async (t) => {
  const folder = helperFolder();
  const addon = `${folder}/koffi.node`;
  const run = () => runHelper(['run', '--socket', `/run/platform-probes-test-${process.pid}-unsafe/events.sock`]);
  const cases: [string, () => void, () => void][] = [
    ['its folder is writable', () => chmodSync(folder, 0o777), () => chmodSync(folder, 0o755)],
    ['the addon is writable', () => chmodSync(addon, 0o666), () => chmodSync(addon, 0o644)],
    ["the addon is someone else's", () => chownSync(addon, 4242, 0), () => chownSync(addon, 0, 0)],
  ];
  for (const [what, spoil, mend] of cases) {
    spoil();
    const { code, stderr } = await run();
    mend();
    t.is(code, 4, `${what}: ${stderr}`);
    t.regex(stderr, /HELPER_UNSAFE_FILE/);
  }
});

kernelTest('a socket that a killed helper left behind is replaced', async (t) => {
  const first = await start();
  first.process.kill('SIGKILL');
  await once(first.process, 'exit');
  t.true(existsSync(first.socket));
  const second = await start([], { socket: first.socket });
  t.true((await join(second)).events.length > 0);
});

kernelTest('clients past the limit are refused, and there is room again when one leaves', async (t) => {
  const helper = await start();
  const open = await Promise.all(
    Array.from({ length: 16 }, async () => {
      const socket = connect(helper.socket)
        .on('error', () => {})
        .resume();
      await once(socket, 'data');
      return socket;
    }),
  );
  const extra = spawn(`${helperFolder()}/node`, [
    '-e',
    `require('node:net').connect(process.argv[1]).on('data', () => process.exit(7)).on('close', () => process.exit(0)).on('error', () => process.exit(0))`,
    helper.socket,
  ]);
  t.deepEqual(await once(extra, 'exit'), [0, null]);
  open[0]?.destroy();
  await delay(200);
  t.true((await join(helper)).events.length > 0);
  for (const socket of open) socket.destroy();
});
