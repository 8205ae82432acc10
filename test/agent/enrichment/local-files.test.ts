import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { LocalFiles } from '../../../agent/enrichment/local-files.ts';
import { MOUNT_TABLE_MS } from '../../../agent/enrichment/limits.ts';

const mount = (point: string, type: string): string =>
  `36 35 98:0 / ${point} rw,noatime shared:1 - ${type} /dev/x rw\n`;
const TABLE = [
  mount('/', 'ext4'),
  mount('/mnt/files', 'nfs4'),
  mount('/mnt/files/disk', 'xfs'),
  mount('/home', 'autofs'),
  mount('/home', 'btrfs'),
  mount('/data', 'btrfs'),
  mount('/data', 'autofs'),
  mount('/with\\040blank', 'fuse.sshfs'),
  mount('/new', 'invented'),
].join('');

test('a file is local when every file system on the way to it is: of mounts at one place the last counts', (t) => {
  const files = new LocalFiles(() => TABLE);
  const has = (path: string): boolean => files.has(path, 'linux');
  for (const path of ['/bin/ls', '/mnt/ls', '/mnt/filesystem/ls', '/home/ada/ls', '/with/ls', '/ls'])
    t.true(has(path), path);
  for (const path of [
    '/mnt/files/ls',
    '/mnt/files/a/b/ls',
    '/mnt/files/disk/ls',
    '/data/ls',
    '/with blank/ls',
    '/new/ls',
    '/mnt/files',
    'ls',
    '',
  ])
    t.false(has(path), path);
  t.false(new LocalFiles(() => '').has('/bin/ls', 'linux'), 'nothing is known of the root');
  t.false(new LocalFiles(() => mount('/', 'nfs')).has('/bin/ls', 'linux'));
});

test('what is mounted later is noticed, and the table is not read for every event', (t) => {
  let now = 0;
  let reads = 0;
  let table = mount('/', 'ext4');
  const files = new LocalFiles(
    () => (reads++, table),
    () => now,
  );
  t.true(files.has('/a/ls', 'linux'));
  table += mount('/a', 'cifs');
  for (let i = 0; i < 1000; i++) files.has('/a/ls', 'linux');
  t.is(reads, 1);
  now += MOUNT_TABLE_MS;
  t.false(files.has('/a/ls', 'linux'));
});

test('on Windows a file of a share is not local, on macOS none of a volume', (t) => {
  const files = new LocalFiles(() => '');
  for (const path of ['\\\\server\\share\\x.exe', '\\\\?\\C:\\x.exe', 'C:x.exe', '/x', ''])
    t.false(files.has(path, 'win32'), path);
  t.true(files.has('C:\\Windows\\x.exe', 'win32'));
  t.true(files.has('/usr/bin/ls', 'darwin'));
  for (const path of ['/Volumes/share/ls', '/net/host/ls', '/Network/ls']) t.false(files.has(path, 'darwin'), path);
});

/** A file system whose program never answers: nobody reads from descriptor 3. It ends with the last process that has it. */
const WITH_A_DEAD_FILE_SYSTEM = `exec 3<>/dev/fuse
mount -i -t fuse.dead -o fd=3,rootmode=40000,user_id=0,group_id=0 dead "$1" || exit 9
timeout -s KILL 1 stat "$1/program" || echo "stat: $?"
exec "$2" --import tsx "$3" "$1/program" "$4"`;

(process.platform === 'linux' && process.getuid!() === 0 ? test : test.skip)(
  'a file system that never answers does not hold up the digests',
  (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'probes-dead-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const local = mkdtempSync(join(tmpdir(), 'probes-local-'));
    t.teardown(() => rmSync(local, { recursive: true }));
    copyFileSync('/bin/ls', join(local, 'ls'));
    const program = fileURLToPath(new URL('../support/hash-files.ts', import.meta.url));
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', WITH_A_DEAD_FILE_SYSTEM, 'sh', folder, process.execPath, program, join(local, 'ls')],
      {
        encoding: 'utf8',
        timeout: 30_000,
        killSignal: 'SIGKILL',
      },
    );
    t.deepEqual(stdout.split('\n'), ['stat: 137', 'none', 'hashed', ''], stderr);
  },
);
