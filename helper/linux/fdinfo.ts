import { readFileSync } from 'node:fs';

/**
 * The kernel's description of a BPF descriptor in /proc/PID/fdinfo (bpf_map_show_fdinfo and similar functions in
 * kernel/bpf/syscall.c).
 */
export function readFdinfo(fd: number | string, pid: number | 'self' = 'self'): ReadonlyMap<string, string> {
  const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
  return new Map(text.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]));
}
