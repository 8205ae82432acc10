import { count, instant, integer, oneOf, text, type Fields } from './fields.ts';

/**
 * A process ended. `(pid, start_time)` matches the `fork` and `exec` events of the same process. A process that executed
 * nothing is told only where `fork` events are told too.
 */
export interface ExitEvent {
  type: 'exit';
  pid: number;
  timestamp: number;
  seq: number;
  time: string;
  start_time: number;
  /** The status that the process gave to exit(2); absent when a signal ended it. */
  exit_code?: number;
  /** The signal that ended it, by name. */
  signal?: string;
  /** Microseconds from the process's start to its end. */
  run_time: number;
  source: 'ebpf';
}

export const EXIT_FIELDS: Fields<ExitEvent> = {
  type: oneOf('exit'),
  pid: count,
  timestamp: integer,
  seq: count,
  time: instant,
  start_time: count,
  exit_code: count,
  signal: text,
  run_time: count,
  source: oneOf('ebpf'),
};
export const EXIT_REQUIRED = ['pid', 'timestamp', 'seq', 'time', 'start_time', 'run_time'] as const;

export const EXIT_EXAMPLE: ExitEvent = {
  type: 'exit',
  pid: 12345,
  timestamp: 1678886403,
  seq: 7302120,
  time: '2023-03-15T13:20:03.000000417Z',
  start_time: 7301999120,
  exit_code: 0,
  run_time: 2876543,
  source: 'ebpf',
};
