import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { RotatingFile } from '../../../../agent/outputs/file/rotating-file.ts';

/** A file system whose server never answers: FUSE without a program behind it. @returns ends it: all that waits gets an error */
function mountDeadServer(folder: string): () => void {
  const device = openSync('/dev/fuse', constants.O_RDWR);
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
  const mounted = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'dead', folder], {
    stdio: ['ignore', 'ignore', 'pipe', device],
    encoding: 'utf8',
  });
  if (mounted.status !== 0) throw new Error(mounted.stderr);
  return () => {
    closeSync(device);
    execFileSync('umount', ['-l', folder]);
  };
}

const possible = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/dev/fuse');
const skipped = possible ? '' : ' [skipped: needs root on Linux, and FUSE]';

(possible ? test : test.skip)(
  `a server that is mounted over the folder and never answers holds up nothing else${skipped}`,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'probes-dead-'));
    const logs = join(folder, 'logs');
    mkdirSync(logs);
    const path = join(logs, 'events.jsonl');
    const file = new RotatingFile({ path, maxBytes: 1e6, maxFiles: 3 });
    let end: (() => void) | undefined;
    try {
      await file.open();
      t.deepEqual(await file.append(Buffer.from('before\n')), { written: 7 });
      end = mountDeadServer(logs);
      // A look in this thread would never return: nothing in this process could then end the test.
      const rescue = spawn('sh', ['-c', 'sleep 15; umount -f "$1"', 'sh', logs], { stdio: 'ignore' });
      const appended = file.append(Buffer.from('after\n'));
      await delay(100);
      t.true(readFileSync('/proc/mounts', 'latin1').includes(` ${logs} fuse `), 'somebody else had to end it');
      rescue.kill('SIGKILL');
      end();
      end = undefined;
      const { written, error } = await appended;
      t.true(written === 6 || error !== undefined);
      await file.close();
      await file.open();
      if (error !== undefined) t.deepEqual(await file.append(Buffer.from('after\n')), { written: 6 });
      t.regex(readFileSync(path, 'utf8'), /^before\n(?:after\n)+$/);
    } finally {
      end?.();
      await file.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
