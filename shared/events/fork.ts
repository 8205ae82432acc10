import { count, instant, integer, mapOf, objectOf, oneOf, optional, requiredOf, text, texts } from './fields.ts';
import type { FieldTable } from './fields.ts';

/** A process was made, as a copy of another. It has executed nothing yet. New threads give no event. */
export interface ForkEvent {
  type: 'fork';
  /** The new process, as the root PID namespace sees it. `(pid, start_time)` matches its later events. */
  pid: number;
  timestamp: number;
  seq: number;
  time: string;
  /** The new process's parent: the process that called fork, or, with CLONE_PARENT, the parent of that process. */
  ppid: number;
  /** Absolute path of the image, which is that of the process that called fork; absent if it has no file. */
  exe?: string;
  comm: string;
  /** For each string that was not valid UTF-8: its path in this event, and its bytes in base64. */
  raw?: Record<string, string>;
  /** Microseconds since boot. */
  start_time: number;
  /** `exe_truncated`, as in an exec event. */
  flags?: string[];
  /** The process `ppid`, read in the kernel at the same moment. */
  parent: { pid: number; start_time: number };
  source: 'ebpf';
}

/** Every field, in the order in which helpers write them. */
export const FORK_FIELDS: FieldTable<ForkEvent> = {
  type: oneOf('fork'),
  pid: count,
  timestamp: integer,
  seq: count,
  time: instant,
  ppid: count,
  exe: optional(text),
  comm: text,
  raw: optional(mapOf(text)),
  start_time: count,
  flags: optional(texts),
  parent: objectOf({ pid: count, start_time: count }),
  source: oneOf('ebpf'),
};
export const FORK_REQUIRED = requiredOf(FORK_FIELDS);

export const FORK_EXAMPLE: ForkEvent = {
  type: 'fork',
  pid: 12345,
  timestamp: 1678886400,
  seq: 7302117,
  time: '2023-03-15T13:20:00.122998001Z',
  ppid: 12001,
  exe: '/usr/bin/bash',
  comm: 'bash',
  start_time: 7301999120,
  parent: { pid: 12001, start_time: 7203340118 },
  source: 'ebpf',
};
