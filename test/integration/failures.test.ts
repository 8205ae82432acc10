import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import type { ExecFailedEvent } from '../../shared/events/exec.ts';
import { fixture } from '../support/fixtures.ts';
import { removeDeep } from '../support/remove-deep.ts';
import { lateImage } from '../support/late-image.ts';
import { calls32, images32, tracepointTest } from '../support/requirements.ts';
import { run, Session } from '../support/session.ts';

const scratch = mkdtempSync('/var/tmp/failures-');
chmodSync(scratch, 0o755);
const noOp = fixture('no-op');
let session: Session | undefined;

const start = async (): Promise<Session> => (session ??= await Session.open(['--failures']));

test.after.always(async () => {
  await session?.close();
  removeDeep(scratch);
});

/** The refusals that `exec-refused` or another caller in one process got, once all that it did has arrived. */
async function refusals(program: string, args: readonly string[]): Promise<ExecFailedEvent[]> {
  const sensor = await start();
  const { pid, code } = await run(program, args);
  if (code !== 1) throw new Error(`${program} ended with ${code}`);
  await sensor.settle();
  return sensor.failures((event) => event.pid === pid);
}

tracepointTest('each reason for which an exec is refused is told once, with what was asked for', async (t) => {
  const folder = `${scratch}/refused`;
  mkdirSync(folder);
  writeFileSync(`${folder}/plain`, 'text', { mode: 0o644 });
  writeFileSync(`${folder}/garbage`, '\u0001\u0002\u0003', { mode: 0o755 });
  writeFileSync(`${folder}/orphan`, '#!/no/such/interpreter\n', { mode: 0o755 });
  symlinkSync('loop', `${folder}/loop`);
  const cases = [
    [`${folder}/none`, 'ENOENT'],
    [`${folder}/plain`, 'EACCES'],
    [`${folder}/garbage`, 'ENOEXEC'],
    [`${folder}/orphan`, 'ENOENT'],
    [`${folder}/loop`, 'ELOOP'],
    [`${folder}/plain/x`, 'ENOTDIR'],
    [folder, 'EACCES'],
    [`/${'n'.repeat(300)}`, 'ENAMETOOLONG'],
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

tracepointTest('a refused exec by descriptor says which one, and what it led to', async (t) => {
  const refused = fixture('exec-refused');
  const fd = /^\/dev\/fd\/\d+$/;
  for (const [how, path, error] of [
    ['by-descriptor', '/etc/passwd', 'EACCES'],
    ['by-path-descriptor', '/etc/passwd', 'EACCES'],
    ['by-path-descriptor', '/', 'EACCES'],
  ] as const) {
    const [event] = await refusals(refused, [how, path]);
    t.is(event?.error, error);
    t.regex(event?.filename ?? '', fd);
    t.is(event?.command, `${event?.filename} ${path}`);
    t.is(event?.fd_path, path);
    t.deepEqual(event?.argv, ['descriptor', path]);
  }
});

tracepointTest(
  'a refused exec below the folder of a descriptor says so too; other paths need no descriptor',
  async (t) => {
    const refused = fixture('exec-refused');
    const [below] = await refusals(refused, ['below-descriptor', scratch]);
    t.regex(below?.filename ?? '', /^\/dev\/fd\/\d+\/x$/);
    t.like(below, { error: 'ENOENT', fd_path: scratch, command: `${below?.filename} below` });
    const [none] = await refusals(refused, ['no-descriptor', scratch]);
    t.like(none, { error: 'EBADF', filename: '/dev/fd/987/x' });
    t.is(none?.fd_path, undefined);
    for (const [how, filename] of [
      ['absolute-at', `${scratch}/none`],
      ['relative-at', 'x'],
    ] as const) {
      const [event] = await refusals(refused, [how, `${scratch}/none`]);
      t.is(event?.filename, filename, how);
      t.is(event?.fd_path, undefined, how);
    }
  },
);

tracepointTest('a descriptor of a folder that is too deep keeps the end of its path and says so', async (t) => {
  const deep = `${scratch}/deep`;
  mkdirSync(deep);
  chmodSync(deep, 0o777);
  const { pid } = await run(
    fixture('exec-deep'),
    [deep, 'n'.repeat(250), '100', fixture('exec-refused'), 'below-descriptor', '.'],
    {
      uid: 1234,
      gid: 1234,
    },
  );
  const sensor = await start();
  await sensor.settle();
  const [event] = sensor.failures(({ parent }) => parent?.pid === pid);
  t.true(event?.flags?.includes('fd_path_truncated'));
  t.regex(event?.fd_path ?? '', /^n{250}(\/n{250})+$/);
});

tracepointTest('without a list of arguments there are none, and nothing is missing', async (t) => {
  const [event] = await refusals(fixture('exec-refused'), ['no-argv', '/no/such/file']);
  t.like(event, { error: 'ENOENT', filename: '/no/such/file', argv: [], argv_bytes: 0 });
  t.is(event?.argv_truncated, undefined);
});

tracepointTest('an exec that fails when the new image is already there is not told in its words', async (t) => {
  const sensor = await start();
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

tracepointTest(
  'arguments of a refused exec in pages that nothing has touched are told as far as the kernel read them',
  async (t) => {
    const file = `${scratch}/absent-pages`;
    const pages = Buffer.alloc(8192);
    pages.write('of the first page');
    pages.write('of the second', 4096);
    writeFileSync(file, pages);
    writeFileSync(`${scratch}/garbage`, '\u0001\u0002\u0003', { mode: 0o755 });
    const [event] = await refusals(fixture('exec-absent-args'), [`${scratch}/garbage`, file]);
    t.is(event?.error, 'ENOEXEC');
    t.deepEqual(
      event?.argv,
      ['absent', 'of the first page', 'of the second'],
      'the kernel had read them before it gave up',
    );
  },
);

tracepointTest('an exec that succeeds is not told as failed, by whatever call or thread', async (t) => {
  const sensor = await start();
  const runs = [
    await run(fixture('exec-thread'), [noOp, 'x']),
    await run(fixture('exec-memfd'), [noOp, 'x']),
    await run(fixture('exec-spawn'), [noOp, 'x']),
  ];
  if (calls32() === undefined) runs.push(await run(fixture('exec-int80'), [noOp, 'x']));
  if (images32() === undefined) runs.push(await run(fixture('image-32', '-m32', '-nostdlib'), []));
  t.true(runs.every(({ code }) => code === 0));
  await sensor.settle();
  t.deepEqual(
    sensor.failures(({ pid }) => runs.some((each) => each.pid === pid)),
    [],
  );
});

tracepointTest('a storm of refused execs is told completely', async (t) => {
  const sensor = await start();
  const script = `${scratch}/no-interpreter-told`;
  writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 });
  t.is((await run('sh', ['-c', `i=0; while [ $i -lt 500 ]; do ${script} $i 2>&-; i=$((i+1)); done; :`])).code, 0);
  await sensor.settle();
  const told = sensor.failures(({ filename }) => filename === script);
  t.deepEqual(
    told.map(({ argv }) => Number(argv?.[1])).toSorted((a, b) => a - b),
    Array.from({ length: 500 }, (_, i) => i),
  );
  t.true(told.every(({ error }) => error === 'ENOENT'));
});
