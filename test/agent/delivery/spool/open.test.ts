import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import test from 'ava';
import { isLocked, lockFolder } from '../../../../agent/delivery/spool/lock.ts';
import { begin, events, TemporaryFolder } from './support.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? test : test.skip;
const skipped = isRoot ? '' : ' [skipped: needs root]';

test('two agents on one spool: the second is told so, and the first is not disturbed', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  await t.throwsAsync(begin(folder.spool), { name: 'SpoolError', message: /another agent uses it/ });
  first.log.append(events(1, 1), 1);
  await first.stop();
  const second = await begin(folder.spool);
  t.is(second.due, 2);
  await second.stop();
});

test('of many that want the lock at once one has it, then the next; none is left', async (t) => {
  using folder = new TemporaryFolder();
  for (let round = 0; round < 5; round++) {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder.root)));
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    t.is(locks.length, 1, `round ${round}`);
    t.true(await isLocked(folder.root));
    await locks[0]!.release();
    t.false(await isLocked(folder.root));
  }
  t.deepEqual(readdirSync(folder.root), []);
});

test('a lock whose process was killed is nobody’s', async (t) => {
  using folder = new TemporaryFolder();
  const script = `const { lockFolder } = await import(${JSON.stringify(new URL('../../../../agent/delivery/spool/lock.ts', import.meta.url).href)});
    await lockFolder(${JSON.stringify(folder.root)}); console.log('locked'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface(child.stdout), 'line');
  await t.throwsAsync(lockFolder(folder.root), { message: /another agent uses it/ });
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  const lock = await lockFolder(folder.root);
  t.is(readdirSync(folder.root).length, 1);
  await lock.release();
});

for (const [what, make, message] of [
  ['others can reach', (path: string) => (mkdirSync(path), chmodSync(path, 0o750)), /chmod 700/],
  [
    'is a link',
    (path: string) => (mkdirSync(`${path}.real`, { mode: 0o700 }), symlinkSync(`${path}.real`, path)),
    /symbolic link/,
  ],
  ['is a file', (path: string) => writeFileSync(path, ''), /not a folder/],
] as const) {
  test(`a folder that ${what} is refused, and left as it is`, async (t) => {
    using folder = new TemporaryFolder();
    make(folder.spool);
    await t.throwsAsync(begin(folder.spool), { name: 'SpoolError', message });
  });
}

test('a folder whose parent is not there is refused', async (t) => {
  using folder = new TemporaryFolder();
  await t.throwsAsync(begin(join(folder.spool, 'deeper')), { message: /does not exist; make it/ });
});

asRoot(`a folder of another user is refused${skipped}`, async (t) => {
  using folder = new TemporaryFolder();
  mkdirSync(folder.spool, { mode: 0o700 });
  chownSync(folder.spool, 65_534, 65_534);
  await t.throwsAsync(begin(folder.spool), { message: /belongs to user 65534/ });
});

test('a spool of another version is refused, and said what to do', async (t) => {
  using folder = new TemporaryFolder();
  await (await begin(folder.spool)).stop();
  const meta = { version: 9, id: 'x' };
  writeFileSync(join(folder.spool, 'spool.json'), JSON.stringify({ ...meta, crc: crc32('9 x') }));
  await t.throwsAsync(begin(folder.spool), { message: /version 9.*version 1.*another folder/ });
  // The lock is free again.
  t.false(await isLocked(folder.spool));
});
