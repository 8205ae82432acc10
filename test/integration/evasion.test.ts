import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';
import { fixture } from '../support/fixtures.ts';
import { kernelTest, tracepointTest } from '../support/requirements.ts';
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

/** Runs `program`, which becomes another in the same process, and gives the exec of that other. */
async function lastExec(program: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<{ event: ExecEvent; stdout: Buffer }> {
  const sensor = await start();
  const { pid, code, signal, stdout } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}`);
  const both = (): Promise<unknown> => sensor.client.until(() => sensor.execsOf(pid).length === 2);
  await both().catch((error: Error) => {
    if (!error.message.includes('disconnected')) throw error;
    sensor.rejoin();
    return both();
  });
  return { event: sensor.execsOf(pid)[1] as ExecEvent, stdout };
}

kernelTest('a 32-bit image is seen and flagged', async (t) => {
  const image = fixture('image-32', '-m32', '-nostdlib');
  const sensor = await start();
  const { pid, code } = await run(image, ['thirty-two']);
  t.is(code, 0);
  const event = await sensor.exec(pid);
  t.is(event.exe, image);
  t.deepEqual(event.argv, [image, 'thirty-two']);
  t.deepEqual(event.flags, ['compat32']);
});

kernelTest('the 32-bit system call of a 64-bit process does not slip by', async (t) => {
  const { event } = await lastExec(fixture('exec-int80'), [noOp, 'through int 0x80']);
  t.is(event.command, `${noOp} through int 0x80`);
  t.is(event.flags, undefined, 'the image has 64 bits');
});

kernelTest('an image that was never a file is flagged, whatever it calls itself', async (t) => {
  for (const name of ['harmless', '/usr/bin/ls']) {
    const { event } = await lastExec(fixture('exec-memfd'), [cmdline, name, 'argument']);
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
    const { event, stdout } = await lastExec(fixture('exec-changing-args'), [cmdline]);
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
  const { event, stdout } = await lastExec(fixture('exec-absent-args'), [cmdline, file]);
  t.deepEqual(event.argv, ['absent', 'of the first page', 's'.repeat(4095)]);
  t.deepEqual(event.argv, argumentsIn(stdout));
});

kernelTest('an exec by another thread than the first is the process\'s, with its start time', async (t) => {
  const { event } = await lastExec(fixture('exec-thread'), [noOp, 'by a thread']);
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
    t.deepEqual(event.parent, { pid, start_time: parent.start_time, exe: fixture('exec-spawn') } as ExecEvent['parent']);
  }
});

kernelTest('new namespaces hide neither the process nor its id', async (t) => {
  const sensor = await start();
  for (const [flag, names] of [['-m', ['mnt']], ['-u', ['uts']], ['-n', ['net']], ['-i', ['ipc']], ['-C', ['cgroup']], ['-U', ['user']], ['-mUpf', ['mnt', 'pid', 'user']]] as const) {
    const { pid, code } = await run('unshare', [flag, noOp, `in ${flag}`]);
    t.is(code, 0, flag);
    const event = await sensor.marked(noOp, `in ${flag}`);
    t.deepEqual(Object.keys(event.ns ?? {}), [...names], flag);
    t.is(flag === '-mUpf' ? event.ppid : event.pid, pid, 'as the root namespace counts');
    t.is(event.exe, noOp);
    t.deepEqual([event.uid, event.euid], [0, 0], 'of the root namespace');
  }
});

kernelTest('a process that enters another\'s namespaces has theirs', async (t) => {
  const sensor = await start();
  const { code } = await run('unshare', ['-u', 'sh', '-c', `nsenter -t $PPID -u ${noOp} left; nsenter -t $$ -u ${noOp} stayed`]);
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
  const { code } = await run('sh', ['-c', `exec 5<${image}; mv ${image} ${image}.old; rm ${image}.old; cp /bin/false ${image}; exec /proc/self/fd/5 replaced`]);
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
  const [symbolic, hard] = await Promise.all(['symbolic', 'hard'].map(async (name) => sensor.exec((await run(`${scratch}/${name}`)).pid)));
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

kernelTest('without arguments the program gets an empty one, and the event too', async (t) => {
  const { event, stdout } = await lastExec(fixture('exec-no-args'), [cmdline]);
  t.deepEqual(event.argv, argumentsIn(stdout));
  t.deepEqual(event.argv, [''], 'kernels from 5.18 on put it there');
  t.is(event.command, cmdline);
});

kernelTest('empty arguments at the end are kept', async (t) => {
  const sensor = await start();
  const { pid, stdout } = await run(cmdline, ['', 'middle', '', '']);
  const event = await sensor.exec(pid);
  t.deepEqual(event.argv, [cmdline, '', 'middle', '', '']);
  t.deepEqual(event.argv, argumentsIn(stdout));
  t.is(event.command, `${cmdline}  middle  `);
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
  const { code } = await run('unshare', ['-Urm', 'sh', '-ec', `mount -t binfmt_misc none ${folder}; echo ':probes:E::probes-format::${noOp}:' > ${folder}/register; exec ${program} formatted`]);
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
  const { event } = await lastExec(fixture('exec-detached'), [noOp, 'usr/bin/sudo', 'x']);
  t.is(event.exe, '/usr/bin/sudo');
  t.deepEqual(event.flags, ['foreign_mount']);
});

kernelTest('100,000 arguments are whole', async (t) => {
  const { event, stdout } = await lastExec(fixture('exec-many-args'), [cmdline, '100000', '5', '0']);
  t.is(event.argv?.length, 100_001);
  t.true(Buffer.from(`${event.argv?.join('\0')}\0`).equals(stdout));
  t.is(event.argv_bytes, stdout.length);
  t.is(event.argv_truncated, undefined);
});

kernelTest('the longest single argument that the kernel allows is whole', async (t) => {
  const { event, stdout } = await lastExec(fixture('exec-many-args'), [cmdline, '1', String(128 * 1024 - 1), '0']);
  t.is(event.argv?.[1]?.length, 131_071);
  t.true(Buffer.from(`${event.argv?.join('\0')}\0`).equals(stdout));
  t.is(event.argv_truncated, undefined);
});

for (const [what, count] of [['2 MiB', 17], ['the kernel\'s limit of 6 MiB', 47]] as const) {
  kernelTest(`arguments of ${what} are whole, byte for byte`, async (t) => {
    const { event, stdout } = await lastExec(fixture('exec-many-args'), [cmdline, String(count), String(128 * 1024 - 1), '0']);
    t.true(stdout.length > count * 131_000);
    t.is(event.argv_bytes, stdout.length);
    t.is(event.argv_truncated, undefined);
    t.true(Buffer.from(`${event.argv?.join('\0')}\0`).equals(stdout));
  });
}

kernelTest('arguments that grow in JSON are cut, marked and never lost', async (t) => {
  // Escaped as \u0001 each, twice: 72 MiB of JSON.
  const { event, stdout } = await lastExec(fixture('exec-many-args'), [cmdline, '47', String(128 * 1024 - 1), '1']);
  t.is(event.argv_truncated, true);
  t.is(event.argv_bytes, stdout.length);
  t.true(Buffer.from(event.argv?.join('\0') ?? '').equals(stdout.subarray(0, Buffer.byteLength(event.argv?.join('\0') ?? ''))), 'what is there is the beginning');
  t.true((event.argv?.join('').length ?? 0) > 500_000, 'no more is cut than has to be');
  const line = session?.client.lines.find((text) => text.startsWith(`{"pid":${event.pid},`) && text.includes('"argv_truncated"'));
  t.true(Buffer.byteLength(line ?? '') <= MAX_LINE_BYTES);
});

kernelTest('600,000 arguments that are not UTF-8 are kept, their bytes together', async (t) => {
  const { event, stdout } = await lastExec(fixture('exec-many-args'), [cmdline, '600000', '1', '255']);
  t.is(event.argv_bytes, stdout.length);
  t.is(event.argv_truncated, undefined);
  t.deepEqual(Object.keys(event.raw ?? {}), ['argv']);
  t.true(Buffer.from(event.raw?.['argv'] ?? '', 'base64').equals(stdout));
});

kernelTest('whoever executes command lines of 6 MiB in a loop takes no event from others', async (t) => {
  const sensor = await start();
  const gapsBefore = sensor.client.events.filter(({ type }) => type === 'gap').length;
  let attacking = true;
  let attacks = 0;
  const attack = async (): Promise<void> => {
    for (; attacking; attacks++) await run(fixture('exec-many-args'), [noOp, '47', String(128 * 1024 - 1), '97']);
  };
  const attackers = [attack(), attack()];
  const victims: number[] = [];
  for (let i = 0; i < 60; i++) victims.push((await run(noOp, [`victim ${i}`])).pid);
  attacking = false;
  await Promise.all(attackers);
  await sensor.settle();
  t.true(attacks > 10, `${attacks}`);
  t.deepEqual(victims.filter((pid) => sensor.execsOf(pid).length === 0), []);
  t.is(sensor.client.events.filter(({ type }) => type === 'gap').length, gapsBefore);
});

kernelTest('a storm of scripts that cannot run gives no event, and costs none', async (t) => {
  const sensor = await start();
  const script = `${scratch}/no-interpreter`;
  writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 });
  const { code } = await run('sh', ['-c', `i=0; while [ $i -lt 500 ]; do ${script} 2>&-; i=$((i+1)); done; exec ${noOp} after-the-storm`]);
  t.is(code, 0);
  await sensor.marked(noOp, 'after-the-storm');
  t.false(sensor.client.events.some((event) => 'filename' in event && event.filename === script));
  t.false(sensor.client.events.some(({ type }) => type === 'exec_failed'));
});

kernelTest('after all of this every number is accounted for', async (t) => {
  const sensor = await start();
  await sensor.settle();
  // On a machine that is busy otherwise, 6 MiB of arguments may have left no room in the ring for others.
  t.true(sensor.client.events.every((event) => event.type !== 'gap' || event.cause === 'ring_full'));
  t.is(readlinkSync(`/proc/${sensor.helper.pid}/exe`).endsWith('probes-helper'), true);
});

const failing: { session?: Session } = {};
const startWithFailures = async (): Promise<Session> => (failing.session ??= await Session.open(['--failures']));

test.after.always(() => failing.session?.close());

/** What `exec-refused` or another caller in one process was refused, once all that it did has arrived. */
async function refusals(program: string, args: readonly string[]): Promise<ExecFailedEvent[]> {
  const sensor = await startWithFailures();
  const { pid, code } = await run(program, args);
  if (code !== 1) throw new Error(`${program} ended with ${code}`);
  await sensor.settle();
  return sensor.failures((event) => event.pid === pid);
}

/** An ELF image whose first segment brings text to `address` and whose second is impossible (larger in the file than in memory): load_elf_binary() finds out after it has replaced the process. */
function lateImage(address: number): Buffer {
  const image = Buffer.alloc(0x2000);
  Buffer.from('7f454c46020101', 'hex').copy(image);
  image.writeUInt16LE(2, 16); // ET_EXEC
  image.writeUInt16LE(62, 18); // EM_X86_64
  image.writeUInt32LE(1, 20);
  image.writeBigUInt64LE(BigInt(address), 24);
  image.writeBigUInt64LE(64n, 32);
  for (const [at, value] of [[52, 64], [54, 56], [56, 2]] as const) image.writeUInt16LE(value, at);
  const segment = (at: number, virtual: number, fileBytes: number, memoryBytes: number): void => {
    image.writeUInt32LE(1, at); // PT_LOAD
    image.writeUInt32LE(6, at + 4); // readable and writable
    for (const [i, value] of [0x1000, virtual, virtual, fileBytes, memoryBytes, 0x1000].entries()) image.writeBigUInt64LE(BigInt(value), at + 8 + 8 * i);
  };
  segment(64, address, 0x1000, 0x1000);
  segment(120, address + 0x10_0000, 0x1000, 0);
  image.write('/forged/path', 0x1200);
  image.write('forged-argument', 0x1300);
  image.writeBigUInt64LE(BigInt(address + 0x300), 0x1400);
  return image;
}

tracepointTest('each reason for which an exec is refused is told once, with what was asked for', async (t) => {
  const folder = `${scratch}/refused`;
  mkdirSync(folder);
  writeFileSync(`${folder}/plain`, 'text', { mode: 0o644 });
  writeFileSync(`${folder}/garbage`, '\u0001\u0002\u0003', { mode: 0o755 });
  writeFileSync(`${folder}/orphan`, '#!/no/such/interpreter\n', { mode: 0o755 });
  symlinkSync('loop', `${folder}/loop`);
  const cases = [
    [`${folder}/none`, 'ENOENT'], [`${folder}/plain`, 'EACCES'], [`${folder}/garbage`, 'ENOEXEC'], [`${folder}/orphan`, 'ENOENT'],
    [`${folder}/loop`, 'ELOOP'], [`${folder}/plain/x`, 'ENOTDIR'], [folder, 'EACCES'], [`/${'n'.repeat(300)}`, 'ENAMETOOLONG'],
  ] as const;
  for (const [file, error] of cases) {
    const [event, ...more] = await refusals(fixture('exec-or-fail'), [file, 'an argument', '']);
    t.is(event?.error, error, file);
    t.is(event?.filename, file);
    t.deepEqual(event?.argv, [file, 'an argument', '']);
    t.is(event?.argv_truncated, undefined);
    t.is(event?.exe, fixture('exec-or-fail'), 'what still runs');
    t.deepEqual(more, []);
  }
});

tracepointTest('arguments and paths that are no memory, and one too long, are refused and told', async (t) => {
  const refused = fixture('exec-refused');
  for (const [how, error, filename, argv] of [
    ['bad-argv', 'EFAULT', noOp, []],
    ['bad-argument', 'EFAULT', noOp, ['bad']],
    ['bad-path', 'EFAULT', '', [noOp]],
    ['too-long', 'E2BIG', noOp, ['long', 'l'.repeat(4095)]],
  ] as const) {
    const [event] = await refusals(refused, [how, noOp]);
    t.is(event?.error, error, how);
    t.is(event?.filename, filename, how);
    t.deepEqual(event?.argv, [...argv], how);
    t.is(event?.argv_truncated, how === 'bad-path' ? undefined : true, how);
  }
});

tracepointTest('a descriptor that cannot be executed is told as it was passed, without a path', async (t) => {
  const [event] = await refusals(fixture('exec-refused'), ['by-descriptor', '/etc/passwd']);
  t.is(event?.error, 'EACCES');
  t.is(event?.filename, '');
  t.deepEqual(event?.argv, ['descriptor', '/etc/passwd']);
});

tracepointTest('without a list of arguments there are none, and nothing is missing', async (t) => {
  const [event] = await refusals(fixture('exec-refused'), ['no-argv', '/no/such/file']);
  t.like(event, { error: 'ENOENT', filename: '/no/such/file', argv: [], argv_bytes: 0 });
  t.is(event?.argv_truncated, undefined);
});

tracepointTest('an exec that fails when the new image is already there is not told in its words', async (t) => {
  const sensor = await startWithFailures();
  const image = `${scratch}/late`;
  writeFileSync(image, lateImage(0x1000_0000), { mode: 0o755 });
  const { pid, signal } = await run(fixture('exec-late'), [image, '10000000']);
  t.is(signal, 'SIGSEGV', 'the kernel kills it, there is nothing to go back to');
  await sensor.settle();
  const [event, ...more] = sensor.failures((each) => each.pid === pid);
  t.deepEqual(more, []);
  t.like(event, { filename: '', argv: [], argv_truncated: true, flags: ['filename_truncated'] });
  t.false(JSON.stringify(event).includes('forged'));
});

tracepointTest('arguments of a refused exec in pages that nothing has touched are told as far as the kernel read them', async (t) => {
  const file = `${scratch}/absent-pages`;
  const pages = Buffer.alloc(8192);
  pages.write('of the first page');
  pages.write('of the second', 4096);
  writeFileSync(file, pages);
  writeFileSync(`${scratch}/garbage`, '\u0001\u0002\u0003', { mode: 0o755 });
  const [event] = await refusals(fixture('exec-absent-args'), [`${scratch}/garbage`, file]);
  t.is(event?.error, 'ENOEXEC');
  t.deepEqual(event?.argv, ['absent', 'of the first page', 'of the second'], 'the kernel had read them before it gave up');
});

tracepointTest('an exec that succeeds is not told as failed, by whatever call or thread', async (t) => {
  const sensor = await startWithFailures();
  const runs = [
    await run(fixture('exec-thread'), [noOp, 'x']),
    await run(fixture('exec-int80'), [noOp, 'x']),
    await run(fixture('exec-memfd'), [noOp, 'x']),
    await run(fixture('exec-spawn'), [noOp, 'x']),
    await run(fixture('image-32', '-m32', '-nostdlib'), []),
  ];
  t.true(runs.every(({ code }) => code === 0));
  await sensor.settle();
  t.deepEqual(sensor.failures(({ pid }) => runs.some((each) => each.pid === pid)), []);
});

tracepointTest('a storm of refused execs is told completely', async (t) => {
  const sensor = await startWithFailures();
  const script = `${scratch}/no-interpreter-told`;
  writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 });
  t.is((await run('sh', ['-c', `i=0; while [ $i -lt 500 ]; do ${script} $i 2>&-; i=$((i+1)); done; :`])).code, 0);
  await sensor.settle();
  const told = sensor.failures(({ filename }) => filename === script);
  t.deepEqual(told.map(({ argv }) => Number(argv?.[1])).toSorted((a, b) => a - b), Array.from({ length: 500 }, (_, i) => i));
  t.true(told.every(({ error }) => error === 'ENOENT'));
});

kernelTest('root itself cannot write the counters or the records in the ring', async (t) => {
  const sensor = await start();
  const folder = `/proc/${sensor.helper.pid}/fdinfo`;
  const ids = readdirSync(folder).flatMap((fd) => /^prog_id:\s+(\d+)/m.exec(readFileSync(`${folder}/${fd}`, 'latin1'))?.[1] ?? []);
  t.is(new Set(ids).size, 1);
  const { code, stdout } = await run(fixture('tamper'), [ids[0] ?? '']);
  t.is(code, 0);
  const tried = new Map(stdout.toString().trim().split('\n').map((line) => [line.replace(/ \d+$/, ''), Number(/\d+$/.exec(line)?.[0])]));
  const { EPERM, EACCES, EINVAL } = constants.errno;
  for (const [what, errno] of [
    ['counters update', EPERM], ['counters page0', EPERM], ['counters protect0', EACCES],
    ['ring update', EINVAL], ['ring protect0', EACCES],
    // The first page says how far the reader has come, and is the reader's; the kernel's place and the records are not.
    ['ring page1', EPERM], ['ring protect1', EACCES], ['ring page2', EPERM], ['ring protect2', EACCES],
  ] as const) t.is(tried.get(what), errno, what);
  await sensor.settle();
});
