import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import test from 'ava';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { fixture } from '../support/fixtures.ts';
import { removeDeep } from '../support/remove-deep.ts';
import { startHelper, type RunningHelper } from '../support/helper-process.ts';
import { stormOf } from '../support/pace.ts';
import { PipeClient, requireDense } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';

let helper: RunningHelper | undefined;
let client: PipeClient;
const scratch = mkdtempSync('/var/tmp/exec-event-');

const start = async (): Promise<PipeClient> => {
  if (helper === undefined) {
    helper = await startHelper();
    client = new PipeClient(helper.socket);
    await client.until(() => client.events.length > 0);
  }
  return client;
};

test.after.always(async () => {
  client?.close();
  await helper?.stop();
  removeDeep(scratch);
});

/** Runs a program to its end and gives the exec event of exactly that process. */
async function execOf(program: string, args: string[], options: SpawnOptions = {}): Promise<ExecEvent> {
  await start();
  const child = spawn(program, args, { stdio: 'ignore', ...options });
  await once(child, 'exit');
  return client.exec((event) => event.pid === child.pid && event.filename === program);
}

kernelTest('the founding fields come first and mean what they always meant', async (t) => {
  const event = await execOf('/bin/true', ['one', 'two']);
  t.deepEqual(Object.keys(event).slice(0, 3), ['pid', 'command', 'timestamp']);
  t.is(event.command, '/bin/true one two');
  t.true(Math.abs(event.timestamp - Date.now() / 1000) < 30);
  t.is(Math.floor(Date.parse(event.time) / 1000), event.timestamp);
  t.is(event.source, 'ebpf');
});

kernelTest('ids, place and parent are those of the process', async (t) => {
  const program = fixture('pause');
  await start();
  const child = spawn(program, ['here'], { cwd: scratch, uid: 1234, gid: 2345, stdio: ['pipe', 'ignore', 'ignore'] });
  const event = await client.exec(({ pid }) => pid === child.pid);
  // Read while it still runs: the kernel's own view of the same process.
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  t.is(event.exe, readlinkSync(`/proc/${child.pid}/exe`));
  t.is(event.cwd, readlinkSync(`/proc/${child.pid}/cwd`));
  t.is(event.ppid, process.pid);
  t.deepEqual([event.uid, event.gid, event.euid, event.egid], [1234, 2345, 1234, 2345]);
  t.is(event.comm, /^Name:\t(.*)/m.exec(status)?.[1]);
  t.is(event.session_id ?? 0, Number(stat[3]));
  t.is(event.tty ?? 0, Number(stat[4]));
  t.is(Math.floor((event.start_time ?? 0) / 10_000), Number(stat[19]), 'in ticks of 10 ms');
  t.is(event.parent?.pid, process.pid);
  t.is(event.parent?.exe, readlinkSync(`/proc/${process.pid}/exe`));
  const parentStat = readFileSync(`/proc/${process.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  t.is(Math.floor((event.parent?.start_time ?? 0) / 10_000), Number(parentStat[19]));
  const loginuid = readFileSync(`/proc/${child.pid}/loginuid`, 'latin1');
  t.is(event.loginuid ?? 0xffffffff, Number(loginuid));
  t.is(event.ns, undefined, 'in the namespaces of the helper');
  child.stdin?.end();
  await once(child, 'exit');
});

kernelTest('a process with a terminal has its device number', async (t) => {
  await start();
  const script = spawnSync('script', ['-qec', `/bin/true in-terminal`, '/dev/null'], { stdio: 'ignore' });
  t.is(script.status, 0);
  const event = await client.exec(({ command }) => command.endsWith('/true in-terminal'));
  t.is(((event.tty ?? 0) >> 8) & 0xff, 136, 'major number of pts');
});

kernelTest('a script runs as its interpreter, and the command is what was asked for', async (t) => {
  const npm = `${scratch}/npm`;
  writeFileSync(npm, '#!/bin/sh -e\nexit 0\n', { mode: 0o755 });
  const event = await execOf(npm, ['install', '', 'last']);
  t.is(event.command, `${npm} install  last`);
  t.is(event.filename, npm);
  t.is(event.exe, readlinkSync('/bin').startsWith('usr') ? `/usr/bin/${readlinkSync('/bin/sh')}` : '/bin/dash');
  t.deepEqual(event.argv, ['/bin/sh', '-e', npm, 'install', '', 'last']);
  t.deepEqual(event.flags, ['script']);
});

kernelTest('/usr/bin/npm install gives the founding event', async (t) => {
  // The same path and interpreter line on every machine: a folder of our own stands at /usr/bin, in a mount namespace of its own.
  mkdirSync(`${scratch}/bin`);
  writeFileSync(`${scratch}/bin/npm`, '#!/usr/bin/env sh\nexit 0\n', { mode: 0o755 });
  for (const program of ['env', 'sh']) copyFileSync(`/usr/bin/${program}`, `${scratch}/bin/${program}`);
  await start();
  const run = spawnSync('unshare', [
    '-m',
    'sh',
    '-c',
    `mount --bind ${scratch}/bin /usr/bin && exec /usr/bin/npm install`,
  ]);
  t.is(run.status, 0, run.stderr.toString());
  const event = await client.exec(
    ({ filename, flags }) => filename === '/usr/bin/npm' && flags?.includes('script') === true,
  );
  t.is(event.command, '/usr/bin/npm install');
  t.is(event.filename, '/usr/bin/npm');
  t.is(event.exe, '/usr/bin/env');
  t.deepEqual(event.argv, ['/usr/bin/env', 'sh', '/usr/bin/npm', 'install']);
});

kernelTest(
  'a newline, a quote, control characters, invalid UTF-8 and an empty string arrive intact, on one line',
  async (t) => {
    await start();
    const hostile = fixture('exec-bytes');
    const run = spawnSync(hostile, ['/bin/true'], { stdio: 'ignore' });
    t.is(run.status, 0);
    const event = await client.exec(({ argv }) => argv?.[0] === 'hostile');
    t.deepEqual(event.argv, [
      'hostile',
      'a\nb',
      '"quoted"',
      '\u0001\u001b[31m\t',
      'bad \ufffd\ufffd end',
      '',
      '\u2028\u{1f980}',
      '',
    ]);
    t.deepEqual(event.raw, { 'argv[4]': Buffer.from('bad \xff\xfe end', 'latin1').toString('base64') });
    t.is(client.lines.filter((line) => line.includes('"hostile"')).length, 1);
  },
);

kernelTest('an image and a folder with names that are not text keep their bytes', async (t) => {
  await start();
  const name = Buffer.concat([Buffer.from(`${scratch}/`), Buffer.from([0xc3, 0x28])]);
  mkdirSync(name);
  const image = Buffer.concat([name, Buffer.from('/\xe9', 'latin1')]);
  copyFileSync(fixture('no-op'), image);
  // A shell passes bytes on that a JavaScript string cannot hold.
  const quoted = image
    .toString('latin1')
    .replaceAll(/[^a-zA-Z0-9/_.-]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
  t.is(spawnSync('sh', ['-c', `f=$(printf '${quoted}'); cd "\${f%/*}" && exec "$f" odd-name`]).status, 0);
  const event = await client.exec(({ argv }) => argv?.[1] === 'odd-name');
  t.deepEqual(
    Object.fromEntries(
      Object.entries(event.raw ?? {}).map(([field, base64]) => [field, Buffer.from(base64, 'base64')]),
    ),
    { 'filename': image, 'exe': image, 'cwd': name, 'comm': Buffer.from([0xe9]), 'argv[0]': image },
  );
});

kernelTest('a command line of 128 KiB and more is whole', async (t) => {
  const long = Array.from({ length: 40 }, (_, i) => String(i % 10).repeat(5000));
  const event = await execOf('/bin/true', long);
  t.deepEqual(event.argv?.slice(1), long);
  t.is(event.argv_truncated, undefined);
  t.is(event.argv_bytes, '/bin/true'.length + 1 + 40 * 5001);
  t.is(event.command.length, '/bin/true'.length + 40 * 5001);
});

kernelTest('deep folders and chains of links give the real path', async (t) => {
  const deep = `${scratch}/${'d/'.repeat(60)}`;
  mkdirSync(deep, { recursive: true });
  copyFileSync(fixture('no-op'), `${deep}run`);
  symlinkSync(`${deep}run`, `${scratch}/link`);
  const event = await execOf(`${scratch}/link`, [], { cwd: deep });
  t.is(event.filename, `${scratch}/link`);
  t.is(event.exe, `${deep}run`);
  t.is(event.cwd, deep.slice(0, -1));
  t.is(event.flags, undefined);
});

/** Runs a program in a folder that an unprivileged user makes; gives its event, and that of the child it runs. */
async function runDeep(name: string, depth: number): Promise<{ folder: string; own: ExecEvent; child: ExecEvent }> {
  const top = mkdtempSync(`${scratch}/deep-`);
  chmodSync(scratch, 0o755);
  chmodSync(top, 0o777);
  await start();
  const made = spawn(fixture('exec-deep'), [top, name, String(depth), fixture('no-op'), 'child'], {
    stdio: 'ignore',
    uid: 1234,
    gid: 1234,
  });
  await once(made, 'exit');
  const own = await client.exec(({ pid, filename }) => pid === made.pid && filename === './run');
  const child = await client.exec(({ ppid, argv }) => ppid === made.pid && argv?.[1] === 'child');
  return { folder: top + `/${name}`.repeat(depth), own, child };
}

kernelTest('1,000 folders down, image, working directory and parent have whole paths', async (t) => {
  const { folder, own, child } = await runDeep('d', 1000);
  t.deepEqual([own.uid, own.exe, own.cwd, own.flags], [1234, `${folder}/run`, folder, undefined]);
  t.deepEqual([child.parent?.exe, child.cwd, child.flags], [`${folder}/run`, folder, undefined]);
});

kernelTest('a path longer than PATH_MAX is whole where there is room', async (t) => {
  const { folder, own, child } = await runDeep('longer', 900);
  t.true(folder.length > 6000);
  t.is(own.exe, `${folder}/run`);
  t.deepEqual(own.flags, ['cwd_truncated'], 'two of them have no room');
  t.deepEqual([child.parent?.exe, child.cwd, child.flags], [`${folder}/run`, folder, undefined]);
});

kernelTest('a path deeper than the walk keeps its end and says so, each by its own flag', async (t) => {
  const { own, child } = await runDeep('n'.repeat(200), 200);
  const end = /^n{200}(\/n{200}){18,}$/;
  t.deepEqual(own.flags, ['exe_truncated', 'cwd_truncated']);
  t.regex(own.exe?.replace(/\/run$/, '') ?? '', end);
  t.regex(own.cwd ?? '', end);
  t.deepEqual(child.flags, ['cwd_truncated', 'parent_exe_truncated']);
  t.regex(child.parent?.exe?.replace(/\/run$/, '') ?? '', end);
  t.is(child.exe, fixture('no-op'), 'the others are whole');
  t.is(child.filename, fixture('no-op'));
});

kernelTest('the image of a mount below another mount has its path from the root', async (t) => {
  const outer = `${scratch}/outer`;
  mkdirSync(outer);
  await start();
  const run = spawnSync('unshare', [
    '-m',
    'sh',
    '-ec',
    `mount -t tmpfs t ${outer}; mkdir ${outer}/in; mount -t tmpfs t ${outer}/in; cp ${fixture('no-op')} ${outer}/in/run; cd ${outer}/in; exec ${outer}/in/run mounted`,
  ]);
  t.is(run.status, 0, run.stderr.toString());
  const event = await client.exec(({ argv }) => argv?.[1] === 'mounted');
  t.is(event.exe, `${outer}/in/run`);
  t.is(event.cwd, `${outer}/in`);
  t.deepEqual(Object.keys(event.ns ?? {}), ['mnt']);
});

kernelTest('an image that is gone is told from one that is there', async (t) => {
  await start();
  const image = `${scratch}/gone`;
  copyFileSync(fixture('no-op'), image);
  chmodSync(image, 0o755);
  // Held open, removed, then run through its descriptor.
  const run = spawnSync('sh', ['-c', `exec 5<${image}; rm ${image}; exec /proc/self/fd/5 deleted`]);
  t.is(run.status, 0, run.stderr.toString());
  const event = await client.exec(({ argv }) => argv?.[1] === 'deleted');
  t.deepEqual(event.flags, ['deleted']);
  t.is(event.exe, image);
});

kernelTest('set-user-id and gained privilege are flagged', async (t) => {
  await start();
  const image = `${scratch}/suid`;
  copyFileSync(fixture('no-op'), image);
  chmodSync(scratch, 0o755);
  chmodSync(image, 0o4755);
  const event = await execOf(image, [], { uid: 1234, gid: 1234 });
  t.deepEqual(event.flags, ['setuid', 'secureexec']);
  t.deepEqual([event.uid, event.euid], [1234, 0]);
  chmodSync(image, 0o2755);
  const group = await execOf(image, [], { uid: 1234, gid: 1234 });
  t.deepEqual(group.flags, ['setgid', 'secureexec']);
  t.deepEqual([group.gid, group.egid], [1234, 0]);
  unlinkSync(image);
});

kernelTest('set-id bits that the kernel passed over are not told', async (t) => {
  await start();
  const setId = fixture('exec-set-id');
  chmodSync(scratch, 0o755);
  const image = `${scratch}/ignored`;
  copyFileSync(fixture('no-op'), image);
  chmodSync(image, 0o6755);
  const mount = `${scratch}/nosuid`;
  mkdirSync(mount);
  // A mount namespace of its own, so that the foreign mount stays out of the way.
  const as = (uid: number, how: string, file: string): readonly string[] => [
    '-m',
    'sh',
    '-ec',
    `mount -t tmpfs -o nosuid t ${mount}; cp -p ${image} ${mount}/image; exec setpriv --reuid ${uid} --regid ${uid} --clear-groups ${setId} ${how} ${file}`,
  ];
  // Root, too, who has the owner's ids anyway: a flag that looked at them alone would be wrong.
  for (const [uid, how, file, told] of [
    [1234, 'plain', image, ['setuid', 'setgid']],
    [0, 'plain', image, ['setuid', 'setgid']],
    [1234, 'plain', `${mount}/image`, []],
    [0, 'plain', `${mount}/image`, []],
    [1234, 'no-new-privs', image, []],
    [0, 'no-new-privs', image, []],
    [1234, 'user-namespace', image, []],
    [0, 'user-namespace', image, []],
    [1234, 'traced', image, []],
    [1234, 'shared-folder', image, []],
  ] as const) {
    const why = `${how} by ${uid} of ${file}`;
    const run = spawn('unshare', as(uid, how, file), { stdio: 'ignore' });
    await once(run, 'exit');
    t.is(run.exitCode, 0, why);
    const event = await client.exec(
      ({ filename, pid, ppid }) => filename === file && (pid === run.pid || ppid === run.pid),
    );
    t.deepEqual(
      (event.flags ?? []).filter((flag) => flag.startsWith('set')),
      [...told],
      why,
    );
    t.is(event.euid, told.length > 0 ? 0 : uid, why);
  }
});

kernelTest('where binfmt_misc takes the rights of the file that was asked for, its bits count', async (t) => {
  await start();
  chmodSync(scratch, 0o755);
  const misc = `${scratch}/misc`;
  mkdirSync(misc);
  const image = `${scratch}/asked.probes-${process.pid}`;
  writeFileSync(image, 'no program');
  chmodSync(image, 0o4755);
  const entry = `probes-${process.pid}`;
  const script = `mount -t binfmt_misc b ${misc} || exit 3
    echo ':${entry}:E::${entry}::${fixture('no-op')}:C' > ${misc}/register
    setpriv --reuid 1234 --regid 1234 --clear-groups ${image}; echo -1 > ${misc}/${entry}`;
  if (spawnSync('unshare', ['-m', 'sh', '-c', script]).status === 3) {
    t.pass('this kernel has no binfmt_misc');
    return;
  }
  const event = await client.exec(({ filename }) => filename === image);
  t.deepEqual([event.uid, event.euid, event.exe], [1234, 0, fixture('no-op')]);
  t.deepEqual(event.flags, ['script', 'setuid', 'secureexec']);
});

kernelTest('file capabilities that the kernel passed over give no secureexec', async (t) => {
  await start();
  chmodSync(scratch, 0o755);
  const mount = `${scratch}/capable`;
  mkdirSync(mount);
  for (const [options, told] of [
    ['suid', ['secureexec']],
    ['nosuid', undefined],
  ] as const) {
    const script = `mount -t tmpfs -o ${options} t ${mount}; cp ${fixture('no-op')} ${mount}/image; setcap cap_net_raw+ep ${mount}/image; exec setpriv --reuid 1234 --regid 1234 --clear-groups ${mount}/image ${options}`;
    const run = spawn('unshare', ['-m', 'sh', '-ec', script], { stdio: 'ignore' });
    await once(run, 'exit');
    t.is(run.exitCode, 0, options);
    t.deepEqual((await client.exec(({ argv }) => argv?.[1] === options)).flags, told, options);
  }
});

kernelTest('namespaces and control group tell a container', async (t) => {
  await start();
  const id = 'c0ffee'.repeat(11).slice(0, 64);
  // Version 2 where it is mounted, else the pids controller of version 1: where the probe looks.
  const hierarchy = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/pids'].find((root) =>
    existsSync(`${root}/cgroup.procs`),
  );
  const folder = `${hierarchy}/docker-${id}.scope`;
  mkdirSync(folder);
  const run = spawnSync('sh', [
    '-c',
    `echo $$ > ${folder}/cgroup.procs && exec unshare -p -u -f ${fixture('no-op')} contained`,
  ]);
  rmdirSync(folder);
  t.is(run.status, 0, run.stderr.toString());
  const event = await client.exec(({ argv }) => argv?.[1] === 'contained');
  t.is(event.cgroup, `/docker-${id}.scope`);
  t.is(event.container_id, id);
  t.deepEqual(Object.keys(event.ns ?? {}), ['pid', 'uts']);
  t.true(event.pid > 10, 'the pid of the root namespace');
});

kernelTest('a control group 200 levels deep has its whole path', async (t) => {
  await start();
  const hierarchy = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/pids'].find((root) =>
    existsSync(`${root}/cgroup.procs`),
  );
  const folders = Array.from({ length: 200 }, (_, i) => `${hierarchy}/deep${'/g'.repeat(i)}`);
  for (const folder of folders) mkdirSync(folder);
  const run = spawnSync('sh', [
    '-c',
    `echo $$ > ${folders.at(-1)}/cgroup.procs && exec ${fixture('no-op')} deep-group`,
  ]);
  for (const folder of folders.toReversed()) rmdirSync(folder);
  t.is(run.status, 0, run.stderr.toString());
  const event = await client.exec(({ argv }) => argv?.[1] === 'deep-group');
  t.is(event.cgroup, `/deep${'/g'.repeat(199)}`);
  t.is(event.flags, undefined);
});

kernelTest('a control group of version 1 is told where version 2 is not in use', async (t) => {
  await start();
  const folder = '/sys/fs/cgroup/pids/probes-test';
  if (!existsSync('/sys/fs/cgroup/pids/cgroup.procs')) {
    t.pass('this machine has no version 1 hierarchy');
    return;
  }
  mkdirSync(folder);
  const run = spawnSync('sh', ['-c', `echo $$ > ${folder}/cgroup.procs && exec ${fixture('no-op')} grouped`]);
  rmdirSync(folder);
  t.is(run.status, 0, run.stderr.toString());
  t.is((await client.exec(({ argv }) => argv?.[1] === 'grouped')).cgroup, '/probes-test');
});

const EXECS = stormOf(20_000);
kernelTest(
  `${EXECS.toLocaleString('en')} execs of two workers give as many events with the exact arguments and no hole in the numbers`,
  async (t) => {
    await start();
    const extra = ['-x', '', 'é "quoted"', 'y'.repeat(100)];
    const before = client.events.length;
    const storm = spawn(fixture('exec-storm'), [fixture('no-op'), String(EXECS), '2', ...extra], { stdio: 'ignore' });
    await once(storm, 'exit');
    t.is(storm.exitCode, 0);
    const seen = await client.until(() => {
      const found = client.execs.filter(({ argv }) => argv?.[3] === '-x' && argv.length === 7);
      return found.length >= EXECS && found;
    });
    t.is(seen.length, EXECS);
    const expected = new Set([0, 1].flatMap((worker) => Array.from({ length: EXECS / 2 }, (_, i) => `${worker} ${i}`)));
    for (const { argv } of seen) {
      expected.delete(`${argv?.[1]} ${argv?.[2]}`);
      t.deepEqual(argv?.slice(3), extra);
    }
    t.is(expected.size, 0);
    requireDense(client.events.slice(before));
    t.false(client.events.some(({ type }) => type === 'gap'));
  },
);
