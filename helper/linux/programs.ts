/**
 * The programs of the probe (bpf/exec.bpf.c), by purpose. Of the programs on one tracepoint the first one reports; the
 * further ones report the events for which the kernel skipped the first (bpf/preemption.h).
 */
const onTracepoint = (first: string): readonly string[] => [first, `${first}_second`, `${first}_third`];

const EXEC = onTracepoint('on_exec');
const EXEC_WITH_ENV = onTracepoint('on_exec_env');
const EXIT = onTracepoint('on_exit');
const EXIT_OF_ALL = onTracepoint('on_exit_all');
const FORK = onTracepoint('on_fork');

const TRACEPOINTS: ReadonlyArray<readonly [tracepoint: string, ...programs: ReadonlyArray<readonly string[]>]> = [
  ['sched_process_exec', EXEC, EXEC_WITH_ENV],
  ['sched_process_exit', EXIT, EXIT_OF_ALL],
  ['sched_process_fork', FORK],
];

/** On system call tracepoints. */
export const FAILURE_PROGRAMS: readonly string[] = [
  'on_execve',
  'on_execveat',
  'on_execve_return',
  'on_execveat_return',
];
/** An iterator, run once. */
export const SNAPSHOT_PROGRAM = 'on_snapshot';

/** The flags that decide which programs run. */
export interface ProgramFlags {
  /** The variables to tell. */
  readonly env: readonly string[];
  readonly exits: boolean;
  readonly forks: boolean;
  readonly failures: boolean;
}

/** The programs that these flags ask for, in the order in which they are attached and run. */
export function programNames({ env, exits, forks, failures }: ProgramFlags): string[] {
  return [
    ...(env.length === 0 ? EXEC : EXEC_WITH_ENV),
    ...(exits ? (forks ? EXIT_OF_ALL : EXIT) : []),
    ...(forks ? FORK : []),
    ...(failures ? FAILURE_PROGRAMS : []),
  ];
}

/** Of a helper with these programs, those that every helper has: on the exec tracepoint. */
export function requiredPrograms(programs: readonly string[]): readonly string[] {
  return EXEC_WITH_ENV.some((name) => programs.includes(name)) ? EXEC_WITH_ENV : EXEC;
}

/** The sched tracepoint of a program; undefined for the others. */
export function tracepointOf(program: string): string | undefined {
  return TRACEPOINTS.find(([, ...lists]) => lists.some((names) => names.includes(program)))?.[0];
}

/** Whether another program on the same tracepoint runs before it. */
export function isFurther(program: string): boolean {
  return TRACEPOINTS.some(([, ...lists]) => lists.some((names) => names.indexOf(program) > 0));
}
