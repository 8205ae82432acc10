import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A file system that hangs: a FUSE mount whose server never answers, not even to the first request of the kernel. Whoever touches a
 * path below `folder` waits until the server is gone, or is killed.
 */
export class HangingDisk implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'probes-hanging-'));
  readonly #server = openSync('/dev/fuse', 'r+');

  constructor() {
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
    const { status, stderr } = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'hanging', this.folder], {
      stdio: ['ignore', 'ignore', 'pipe', this.#server],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`no FUSE mount: ${stderr}`);
  }

  /** Without its server, all that wait get an error. */
  [Symbol.dispose](): void {
    closeSync(this.#server);
    spawnSync('umount', ['-l', this.folder]);
    rmdirSync(this.folder);
  }
}

/** Needs such a file system: root on Linux, with FUSE in the kernel. */
export const hangingDisk = (): string | undefined => {
  if (process.platform !== 'linux' || process.getuid!() !== 0) return 'needs root on Linux, to mount a file system';
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
    return undefined;
  } catch {
    return 'needs FUSE in the kernel';
  }
};
