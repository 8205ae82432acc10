import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { fixture } from '../support/fixtures.ts';
import { calls32Test, images32Test, kernelTest } from '../support/requirements.ts';
import { argumentsIn, run, Session } from '../support/session.ts';

const scratch = mkdtempSync('/var/tmp/evasion-');
chmodSync(scratch, 0o755);
const noOp = fixture('no-op');
const cmdline = fixture('cmdline');
let session: Session | undefined;

const start = async (): Promise<Session> => (session ??= await Session.open());

test.after.always(async () => {
  await session?.close();
  rmSync(scratch, { recursive: true, force: true });
});

images32Test('a 32-bit image is seen and flagged', async (t) => {
  const image = fixture('image-32', '-m32', '-nostdlib');
  const sensor = await start();
  const { pid, code } = await run(image, ['thirty-two']);
  t.is(code, 0);
  const event = await sensor.exec(pid);
  t.is(event.exe, image);
  t.deepEqual(event.argv, [image, 'thirty-two']);
  t.deepEqual(event.flags, ['compat32']);
});

calls32Test('the 32-bit system call of a 64-bit process does not slip by', async (t) => {
  const { event } = await (await start()).becomes(fixture('exec-int80'), [noOp, 'through int 0x80']);
  t.is(event.command, `${noOp} through int 0x80`);
  t.is(event.flags, undefined, 'the image has 64 bits');
});

kernelTest('an image that was never a file is flagged, whatever it calls itself', async (t) => {
  for (const name of ['harmless', '/usr/bin/ls']) {
    const { event } = await (await start()).becomes(fixture('exec-memfd'), [cmdline, name, 'argument']);
    t.is(event.exe, `/memfd:${name}`);
    t.deepEqual(event.argv, [name, 'argument']);
    t.deepEqual(event.flags, ['memfd']);
    t.regex(event.filename ?? '', /^\/dev\/fd\/\d+$/);
  }
});

kernelTest('a script whose interpreter is a script names what was asked for and what runs', async (t) => {
  const sensor = await start();
  const inner = `${scratch}/inner`;
  const outer = `${scratch}/outer`;
  writeFileSync(inner, '#!/bin/sh -u\nexit 0\n', { mode: 0o755 });
  writeFileSync(outer, `#!${inner} one argument\n`, { mode: 0o755 });
  const { pid, code } = await run(outer, ['a', '', 'b']);
  t.is(code, 0);
  const event = await sensor.exec(pid);
  t.is(event.filename, outer);
  t.is(event.command, `${outer} a  b`);
  t.deepEqual(event.argv, ['/bin/sh', '-u', inner, 'one argument', outer, 'a', '', 'b']);
  t.is(event.comm, 'outer');
  t.deepEqual(event.flags, ['script']);
});

kernelTest('arguments that another thread rewrites during the call are told as the new program got them', async (t) => {
  const seen = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const { event, stdout } = await (await start()).becomes(fixture('exec-changing-args'), [cmdline]);
    t.deepEqual(event.argv, argumentsIn(stdout));
    seen.add(event.argv?.map((argument) => argument.at(0)).join('') ?? '');
  }
  t.true(seen.size > 1, 'the thread did change what the program got');
});

kernelTest('arguments in pages that nothing has touched are whole', async (t) => {
  const file = `${scratch}/pages`;
  const pages = Buffer.alloc(8192);
  pages.write('of the first page');
  pages.fill('s', 4096, 8191);
  writeFileSync(file, pages);
  const { event, stdout } = await (await start()).becomes(fixture('exec-absent-args'), [cmdline, file]);
  t.deepEqual(event.argv, ['absent', 'of the first page', 's'.repeat(4095)]);
  t.deepEqual(event.argv, argumentsIn(stdout));
});

kernelTest("an exec by another thread than the first is the process's, with its start time", async (t) => {
  const { event } = await (await start()).becomes(fixture('exec-thread'), [noOp, 'by a thread']);
  const [first] = session?.execsOf(event.pid) ?? [];
  t.is(first?.filename, fixture('exec-thread'));
  t.is(event.start_time, first?.start_time);
  t.deepEqual(event.argv, [noOp, 'by a thread']);
});

kernelTest('processes made by posix_spawn and by vfork are seen with their parent', async (t) => {
  const sensor = await start();
  const { pid, stdout } = await run(fixture('exec-spawn'), [noOp, 'spawned']);
  const parent = await sensor.exec(pid);
  for (const child of stdout.toString().trim().split(' ')) {
    const event = await sensor.exec(Number(child));
    t.deepEqual(event.argv, [noOp, 'spawned']);
    t.deepEqual(event.parent, {
      pid,
      start_time: parent.start_time,
      exe: fixture('exec-spawn'),
    } as ExecEvent['parent']);
  }
});

kernelTest('new namespaces hide neither the process nor its id', async (t) => {
  const sensor = await start();
  for (const [flag, names] of [
    ['-m', ['mnt']],
    ['-u', ['uts']],
    ['-n', ['net']],
    ['-i', ['ipc']],
    ['-C', ['cgroup']],
    ['-U', ['user']],
    ['-mUpf', ['mnt', 'pid', 'user']],
  ] as const) {
    const { pid, code } = await run('unshare', [flag, noOp, `in ${flag}`]);
    t.is(code, 0, flag);
    const event = await sensor.marked(noOp, `in ${flag}`);
    t.deepEqual(Object.keys(event.ns ?? {}), [...names], flag);
    t.is(flag === '-mUpf' ? event.ppid : event.pid, pid, 'as the root namespace counts');
    t.is(event.exe, noOp);
    t.deepEqual([event.uid, event.euid], [0, 0], 'of the root namespace');
  }
});

kernelTest("a process that enters another's namespaces has theirs", async (t) => {
  const sensor = await start();
  const { code } = await run('unshare', [
    '-u',
    'sh',
    '-c',
    `nsenter -t $PPID -u ${noOp} left; nsenter -t $$ -u ${noOp} stayed`,
  ]);
  t.is(code, 0);
  t.is((await sensor.marked(noOp, 'left')).ns, undefined);
  t.deepEqual(Object.keys((await sensor.marked(noOp, 'stayed')).ns ?? {}), ['uts']);
});

kernelTest('under chroot the image has its path from the real root', async (t) => {
  const jail = `${scratch}/jail`;
  mkdirSync(`${jail}/bin`, { recursive: true });
  copyFileSync(noOp, `${jail}/bin/ls`);
  const sensor = await start();
  t.is((await run('chroot', [jail, '/bin/ls', 'jailed'])).code, 0);
  const event = await sensor.marked('/bin/ls', 'jailed');
  t.is(event.exe, `${jail}/bin/ls`);
  t.is(event.cwd, jail);
  t.deepEqual(event.flags, ['chroot']);
});

kernelTest('an image in an unlinked file is flagged, also when another took its name', async (t) => {
  const sensor = await start();
  const image = `${scratch}/replaced`;
  copyFileSync(noOp, image);
  const { code } = await run('sh', [
    '-c',
    `exec 5<${image}; mv ${image} ${image}.old; rm ${image}.old; cp /bin/false ${image}; exec /proc/self/fd/5 replaced`,
  ]);
  t.is(code, 0);
  const event = await sensor.marked('/proc/self/fd/5', 'replaced');
  t.deepEqual(event.flags, ['deleted']);
  t.is(event.exe, `${image}.old`);
});

kernelTest('symbolic links and hard links are told apart from the image', async (t) => {
  const sensor = await start();
  symlinkSync(noOp, `${scratch}/symbolic`);
  copyFileSync(noOp, `${scratch}/original`);
  linkSync(`${scratch}/original`, `${scratch}/hard`);
  const [symbolic, hard] = await Promise.all(
    ['symbolic', 'hard'].map(async (name) => sensor.exec((await run(`${scratch}/${name}`)).pid)),
  );
  t.is(symbolic?.exe, noOp);
  t.is(symbolic?.filename, `${scratch}/symbolic`);
  t.is(hard?.exe, `${scratch}/hard`);
});

kernelTest('an argv[0] that lies changes neither exe nor command', async (t) => {
  const sensor = await start();
  const { pid } = await run(noOp, ['x'], { argv0: '/usr/sbin/sshd' });
  const event = await sensor.exec(pid);
  t.deepEqual(event.argv, ['/usr/sbin/sshd', 'x']);
  t.is(event.exe, noOp);
  t.is(event.command, `${noOp} x`);
  t.is(event.comm, 'no-op');
});

kernelTest('a parent that passes itself off as a kernel thread is still named by its image', async (t) => {
  const sensor = await start();
  const { pid } = await run(fixture('exec-disguised'), [noOp, 'disguised']);
  const event = await sensor.marked(noOp, 'disguised');
  t.is(event.parent?.pid, pid);
  t.is(event.parent?.exe, fixture('exec-disguised'));
  t.is(event.comm, 'no-op');
  t.is((await sensor.exec(pid)).comm, 'exec-disguised');
});

kernelTest('what a tracer writes into the stopped program does not change its event', async (t) => {
  const sensor = await start();
  t.is((await run(fixture('exec-traced'), [cmdline, 'original'])).stdout.toString(), `${cmdline}\0harmless\0`);
  t.deepEqual((await sensor.marked(cmdline, 'original')).argv, [cmdline, 'original']);
});

kernelTest('a set-user-id bit on a script gives nothing and flags nothing', async (t) => {
  const sensor = await start();
  const script = `${scratch}/setuid-script`;
  writeFileSync(script, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  chmodSync(script, 0o4755);
  const { pid } = await run(script, [], { uid: 1234, gid: 1234 });
  const event = await sensor.exec(pid);
  t.deepEqual([event.uid, event.euid], [1234, 1234]);
  t.deepEqual(event.flags, ['script']);
});

kernelTest('a binary format of its own shows as a script with its interpreter', async (t) => {
  const sensor = await start();
  const folder = `${scratch}/formats`;
  const program = `${scratch}/program.probes-format`;
  mkdirSync(folder);
  writeFileSync(program, 'no image', { mode: 0o755 });
  // In a user namespace of its own: the rest of the machine does not learn of the format.
  const { code } = await run('unshare', [
    '-Urm',
    'sh',
    '-ec',
    `mount -t binfmt_misc none ${folder}; echo ':probes:E::probes-format::${noOp}:' > ${folder}/register; exec ${program} formatted`,
  ]);
  if (code !== 0) {
    t.pass('this kernel has no binfmt_misc for user namespaces');
    return;
  }
  const event = await sensor.marked(program, 'formatted');
  t.is(event.exe, noOp);
  t.is(event.command, `${program} formatted`);
  t.deepEqual(event.flags, ['script']);
});

kernelTest('an image that moves while it is executed has one of its names, and is not called deleted', async (t) => {
  const sensor = await start();
  const names = [`${scratch}/here`, `${scratch}/there`];
  copyFileSync(noOp, names[0] as string);
  t.is((await run(fixture('exec-while-renamed'), [...names, '300'])).code, 0);
  await sensor.settle();
  const moved = sensor.client.execs.filter(({ argv }) => argv?.[0] === 'moved');
  t.is(moved.length, 300);
  for (const event of moved) {
    t.true(names.includes(event.exe ?? ''), event.exe);
    t.is(event.flags, undefined);
  }
});

kernelTest('an image on a mount that is nowhere mounted is flagged, whatever its path looks like', async (t) => {
  const { event } = await (await start()).becomes(fixture('exec-detached'), [noOp, 'usr/bin/sudo', 'x']);
  t.is(event.exe, '/usr/bin/sudo');
  t.deepEqual(event.flags, ['foreign_mount']);
});

kernelTest('a storm of scripts that cannot run gives no event, and costs none', async (t) => {
  const sensor = await start();
  const script = `${scratch}/no-interpreter`;
  writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 });
  const { code } = await run('sh', [
    '-c',
    `i=0; while [ $i -lt 500 ]; do ${script} 2>&-; i=$((i+1)); done; exec ${noOp} after-the-storm`,
  ]);
  t.is(code, 0);
  await sensor.marked(noOp, 'after-the-storm');
  t.false(sensor.client.events.some((event) => 'filename' in event && event.filename === script));
  t.false(sensor.client.events.some(({ type }) => type === 'exec_failed'));
});

kernelTest('root itself cannot write the counters or the records in the ring', async (t) => {
  const sensor = await start();
  const folder = `/proc/${sensor.helper.pid}/fdinfo`;
  const ids = readdirSync(folder).flatMap(
    (fd) => /^prog_id:\s+(\d+)/m.exec(readFileSync(`${folder}/${fd}`, 'latin1'))?.[1] ?? [],
  );
  t.is(new Set(ids).size, 3);
  const { code, stdout } = await run(fixture('tamper'), [ids[0] ?? '']);
  t.is(code, 0);
  const tried = new Map(
    stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => [line.replace(/ \d+$/, ''), Number(/\d+$/.exec(line)?.[0])]),
  );
  const { EPERM, EACCES, EINVAL } = constants.errno;
  for (const [what, errno] of [
    ['counters update', EPERM],
    ['counters page0', EPERM],
    ['counters protect0', EACCES],
    ['ring update', EINVAL],
    ['ring protect0', EACCES],
    // The first page says how far the reader has come, and is the reader's; the kernel's place and the records are not.
    ['ring page1', EPERM],
    ['ring protect1', EACCES],
    ['ring page2', EPERM],
    ['ring protect2', EACCES],
  ] as const)
    t.is(tried.get(what), errno, what);
  await sensor.settle();
});

kernelTest('after all of this every number is accounted for', async (t) => {
  const sensor = await start();
  await sensor.settle();
  t.deepEqual(
    sensor.client.events.filter(({ type }) => type === 'gap'),
    [],
  );
  t.is(readlinkSync(`/proc/${sensor.helper.pid}/exe`).endsWith('probes-helper'), true);
});
