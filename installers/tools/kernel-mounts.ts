import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { complain, progress } from './progress.ts';

const MOUNTS = [
  { type: 'tracefs', at: '/sys/kernel/tracing' },
  { type: 'bpf', at: '/sys/fs/bpf' },
] as const;

/** For root alone. By default everyone can enter the BPF file system. */
const OPTIONS = 'mode=700';

/** As root on Linux, mounts tracefs and bpffs where they are missing; minimal systems leave them out. */
export function mountTracing(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const mounted = new Set(
    readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ').slice(1, 3).join(' ')),
  );
  for (const { type, at } of MOUNTS) {
    if (mounted.has(`${at} ${type}`)) continue;
    progress(`Mounting ${type} on ${at}`);
    const run = spawnSync('mount', ['-t', type, '-o', OPTIONS, type, at], { encoding: 'utf8' });
    if (run.status !== 0)
      complain(`mount -t ${type} -o ${OPTIONS} ${type} ${at}: ${run.error?.message ?? run.stderr.trim()}`);
  }
}
