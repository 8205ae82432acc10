import { readdirSync, readFileSync } from 'node:fs';
import { systemCode } from '../../agent/errors.ts';

/**
 * Nanoseconds of processor time, user and system, that the threads of a process have used. A thread that has ended took its own
 * with it.
 */
export function cpuOf(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const schedstat = ofLiving(`/proc/${pid}/task/${thread}/schedstat`);
    if (schedstat !== undefined) total += Number(schedstat.split(' ', 1)[0]);
  }
  return total;
}

/** A file below /proc; undefined if its process or thread has ended in the meantime. */
function ofLiving(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Bytes of memory that are this process's share (PSS). */
export function pssOf(pid: number): number {
  return kilobytes(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'), 'Pss');
}

/** The part of it that lies in shared memory with the kernel or a successor: ring and backlog. */
export function buffersOf(pid: number): number {
  return readFileSync(`/proc/${pid}/smaps`, 'latin1')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((mapping) =>
      /^.* (?:anon_inode:bpf-map|\/memfd:.*|anon_inode:\[bpf-map\])$/m.test(mapping.slice(0, mapping.indexOf('\n'))),
    )
    .reduce((total, mapping) => total + kilobytes(mapping, 'Pss'), 0);
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024;
}

/** A process of the kernel by its name; undefined where there is none, or none to be seen. */
export function kernelThread(name: string): number | undefined {
  return processes(({ comm }) => comm === name)[0];
}

/** The processes that a process has started and that have not ended. */
export function childrenOf(pid: number): number[] {
  return processes(({ parent }) => parent === pid);
}

/** Ids of the processes that fit, by the name and the parent in /proc/PID/stat: proc_pid_stat(5). */
function processes(fits: (process: { readonly comm: string; readonly parent: number }) => boolean): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const stat = ofLiving(`/proc/${pid}/stat`);
      if (stat === undefined) return false;
      const end = stat.lastIndexOf(') ');
      return fits({
        comm: stat.slice(stat.indexOf('(') + 1, end),
        parent: Number(stat.slice(end + 2).split(' ', 2)[1]),
      });
    });
}
