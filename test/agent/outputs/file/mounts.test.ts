import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { fileSystemsOn, mountGeneration, typesOn } from '../../../../agent/outputs/file/mounts.ts';

const MOUNTINFO = String.raw`27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 27 0:28 / /var/log rw,relatime shared:1 master:2 - tmpfs tmpfs rw,mode=755
32 31 0:29 / /var/log rw,relatime - nfs4 server:/log rw,addr=10.0.0.1
33 27 0:30 / /var/lo rw - fuse.sshfs me@there:/ rw
34 27 0:31 / /with\040space\134and\011tab rw - cifs //server/share rw
35 27 0:32 / /${Buffer.from('straße').toString('latin1')} rw - 9p share rw
36 27 0:33 /odd /odd rw - xfs /dev/name\040-\040odd rw
`;

const CASES: ReadonlyArray<readonly [string, readonly string[]]> = [
  ['/srv/events.jsonl', ['ext4']],
  ['/events.jsonl', ['ext4']],
  ['/var/log/events.jsonl', ['ext4', 'tmpfs', 'nfs4']],
  ['/var/log', ['ext4', 'tmpfs', 'nfs4']],
  ['/var/logs/events.jsonl', ['ext4']],
  ['/var/lo/events.jsonl', ['ext4', 'fuse.sshfs']],
  ['/with space\\and\ttab/events.jsonl', ['ext4', 'cifs']],
  ['/straße/events.jsonl', ['ext4', '9p']],
  ['/odd/events.jsonl', ['ext4', 'xfs']],
];

for (const [path, types] of CASES) {
  test(`the file systems on ${JSON.stringify(path)} are ${types.join(', ')}`, (t) => {
    t.deepEqual([...typesOn(path, MOUNTINFO)], types);
  });
}

const linux = process.platform === 'linux' ? test : test.skip;
const onLinux = process.platform === 'linux' ? '' : ' [skipped: needs Linux]';

linux(`the kernel's own list has the file systems on a path${onLinux}`, async (t) => {
  t.true((await fileSystemsOn('/proc/self'))?.has('proc'));
  t.false((await fileSystemsOn('/process'))?.has('proc'));
});

const root = process.platform === 'linux' && process.getuid?.() === 0;

(root ? test : test.skip)(
  `a mount is noticed, and its end${root ? '' : ' [skipped: needs root on Linux]'}`,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'probes-mounts-'));
    const generation = mountGeneration();
    try {
      const before = generation();
      t.is(typeof before, 'number');
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'none', folder]);
      try {
        const mounted = generation();
        t.not(mounted, before);
        t.true((await fileSystemsOn(join(folder, 'file')))?.has('tmpfs'));
      } finally {
        execFileSync('umount', [folder]);
      }
      const after = generation();
      t.false([before, undefined].includes(after));
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
