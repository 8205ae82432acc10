/**
 * The programs of the probe (bpf/exec.bpf.c), by purpose. Of the programs on one tracepoint the first one reports; the
 * further ones report the events for which the kernel skipped the first (bpf/preemption.h).
 */
const PROGRAMS = {
  sched_process_exec: ['on_exec', 'on_exec_second', 'on_exec_third'],
  sched_process_exit: ['on_exit', 'on_exit_second', 'on_exit_third'],
} as const;

/** The programs of every helper. */
export const EXEC_PROGRAMS: readonly string[] = PROGRAMS.sched_process_exec;
/** On system call tracepoints. */
export const FAILURE_PROGRAMS: readonly string[] = [
  'on_execve',
  'on_execveat',
  'on_execve_return',
  'on_execveat_return',
];
/** An iterator, run once. */
export const SNAPSHOT_PROGRAM = 'on_snapshot';

/** The programs that these flags ask for, in the order in which they are attached and run. */
export function programNames({ exits, failures }: { readonly exits: boolean; readonly failures: boolean }): string[] {
  return [...EXEC_PROGRAMS, ...(exits ? PROGRAMS.sched_process_exit : []), ...(failures ? FAILURE_PROGRAMS : [])];
}

/** The sched tracepoint of a program; undefined for the others. */
export function tracepointOf(program: string): string | undefined {
  return Object.entries(PROGRAMS).find(([, names]) => (names as readonly string[]).includes(program))?.[0];
}

/** Whether another program on the same tracepoint runs before it. */
export function isFurther(program: string): boolean {
  return Object.values(PROGRAMS).some((names) => names.indexOf(program as never) > 0);
}
