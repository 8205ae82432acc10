import {
  count,
  flag,
  instant,
  integer,
  mapOf,
  objectOf,
  oneOf,
  optional,
  requiredOf,
  text,
  texts,
  yes,
  type FieldTable,
} from './fields.ts';

/** The fields of every event about one process. */
interface ProcessFields {
  /** Process id as the root PID namespace sees it. */
  pid: number;
  /** The path that was executed, then the arguments after argv[0], joined by single spaces. */
  command: string;
  /** Unix time in whole seconds. */
  timestamp: number;
  /** Place in the stream of one boot. */
  seq: number;
  /** The same instant to the nanosecond: boot clock plus boot epoch. */
  time: string;
  ppid?: number;
  uid?: number;
  gid?: number;
  euid?: number;
  egid?: number;
  /** The audit login uid; absent for processes without a login. */
  loginuid?: number;
  /**
   * POSIX session (setsid), like field 6 of proc_pid_stat(5); absent for session 0. Windows: number of the terminal
   * session.
   */
  session_id?: number;
  /** Controlling terminal's device number, like field 7 of proc_pid_stat(5); absent without one. */
  tty?: number;
  /** Absolute path of the image that runs: the interpreter, for a script. */
  exe?: string;
  /** The path as requested; absent with `source: snapshot`. */
  filename?: string;
  /** Exactly as the new process sees them, including empty arguments. */
  argv?: string[];
  /** Size of all arguments in the kernel, NULs included. */
  argv_bytes?: number;
  argv_truncated?: true;
  /** For each string that was not valid UTF-8: its path in this event, and its bytes in base64. */
  raw?: Record<string, string>;
  /** Windows: the command line as one string, as the creator of the process passed it; `argv` is split from it. */
  command_line?: string;
  /** Windows: the source of `command_line`: the session, or the process itself, which can have changed it. */
  command_source?: 'etw' | 'process';
  /** Windows: security identifier of the process's user, `S-1-5-18`. */
  user_sid?: string;
  /** Windows: the logon session, as the system writes it: `0x3e7`. */
  logon_id?: string;
  /** Windows: mandatory integrity level by name, `medium`; the SID if it has no name. */
  integrity_level?: string;
  /** Windows: whether the process has the full token of an administrator. */
  elevated?: boolean;
  cwd?: string;
  comm?: string;
  /**
   * Microseconds on the system's process clock (Linux: since boot; Windows: since 1970). With `pid` it identifies the
   * process.
   */
  start_time?: number;
  cgroup?: string;
  container_id?: string;
  /** Namespace inode numbers that differ from the helper's own, which `hello` lists. */
  ns?: Record<string, number>;
  flags?: string[];
  /** The parent, read in the kernel at the same moment. */
  parent?: { pid: number; start_time?: number; exe?: string };
  source?: Source;
}

export type Source = 'ebpf' | 'etw' | 'dtrace' | 'eslogger' | 'snapshot';

/** The environment of the new image, as far as the helper was asked for it (`--env`). */
export interface EnvironmentFields {
  /** The listed variables that the image has, in the order of its environment: the first value of each name. */
  env?: Record<string, string>;
  /**
   * The further values of a name that stands more than once, in their order. Which value counts depends on the program:
   * getenv takes the first, the dynamic loader the last.
   */
  env_repeated?: Record<string, string[]>;
  /** Not all of the environment could be looked at, or not all of what was found could be sent. */
  env_truncated?: true;
}

/** A program began to run. */
export interface ExecEvent extends ProcessFields, EnvironmentFields {
  type: 'exec';
}

/** An execve or execveat that the kernel refused; the caller continues unchanged. */
export interface ExecFailedEvent extends ProcessFields {
  type: 'exec_failed';
  /** The errno's name, `ENOENT`; `E<number>` if it has none. */
  error: string;
  /** Path of what the descriptor in `filename` (`/dev/fd/N`) led to when the call had failed. */
  fd_path?: string;
}

/*
 * Every field, in the order in which helpers write them. These tables give the checks, and the shape with which the
 * agent compares whole lines (agent/source/exec-shape.ts). A line in another order is equally valid, but is read more
 * slowly.
 */

const UP_TO_ARGUMENTS = {
  pid: count,
  command: text,
  timestamp: integer,
  type: text,
  seq: count,
  time: instant,
  ppid: optional(count),
  uid: optional(count),
  gid: optional(count),
  euid: optional(count),
  egid: optional(count),
  loginuid: optional(count),
  user_sid: optional(text),
  logon_id: optional(text),
  integrity_level: optional(text),
  elevated: optional(flag),
  session_id: optional(count),
  tty: optional(count),
  exe: optional(text),
  filename: optional(text),
  argv: optional(texts),
  argv_bytes: optional(count),
  argv_truncated: optional(yes),
};

const ENVIRONMENT: FieldTable<EnvironmentFields> = {
  env: optional(mapOf(text)),
  env_repeated: optional(mapOf(texts)),
  env_truncated: optional(yes),
};

const AFTER_ENVIRONMENT = {
  raw: optional(mapOf(text)),
  command_line: optional(text),
  command_source: optional(oneOf('etw', 'process')),
  cwd: optional(text),
  comm: optional(text),
  start_time: optional(count),
  cgroup: optional(text),
  container_id: optional(text),
  ns: optional(mapOf(count)),
  flags: optional(texts),
  parent: optional(objectOf({ pid: count, start_time: count, exe: text }, 'start_time', 'exe')),
  source: optional(oneOf('ebpf', 'etw', 'dtrace', 'eslogger', 'snapshot')),
};

export const EXEC_FIELDS: FieldTable<ExecEvent> = {
  ...UP_TO_ARGUMENTS,
  ...ENVIRONMENT,
  ...AFTER_ENVIRONMENT,
  type: oneOf('exec'),
};
export const EXEC_REQUIRED = requiredOf(EXEC_FIELDS);

export const EXEC_FAILED_FIELDS: FieldTable<ExecFailedEvent> = {
  ...UP_TO_ARGUMENTS,
  ...AFTER_ENVIRONMENT,
  type: oneOf('exec_failed'),
  error: text,
  fd_path: optional(text),
};
export const EXEC_FAILED_REQUIRED = requiredOf(EXEC_FAILED_FIELDS);

export const EXEC_EXAMPLE: ExecEvent = {
  pid: 12345,
  command: '/usr/bin/npm install',
  timestamp: 1678886400,
  type: 'exec',
  seq: 7302118,
  time: '2023-03-15T13:20:00.123456789Z',
  ppid: 12001,
  uid: 1000,
  gid: 1000,
  euid: 1000,
  egid: 1000,
  loginuid: 1000,
  session_id: 12001,
  tty: 34816,
  exe: '/usr/bin/env',
  filename: '/usr/bin/npm',
  argv: ['/usr/bin/env', 'node', '/usr/bin/npm', 'install'],
  argv_bytes: 39,
  cwd: '/home/ada/site',
  comm: 'npm',
  start_time: 7301999120,
  cgroup: '/user.slice/user-1000.slice/session-3.scope',
  flags: ['script'],
  parent: { pid: 12001, start_time: 7203340118, exe: '/usr/bin/bash' },
  source: 'ebpf',
};

export const EXEC_FAILED_EXAMPLE: ExecFailedEvent = {
  pid: 12346,
  command: '/usr/local/bin/npm install',
  timestamp: 1678886400,
  type: 'exec_failed',
  seq: 7302119,
  time: '2023-03-15T13:20:00.123999001Z',
  ppid: 12001,
  uid: 1000,
  gid: 1000,
  euid: 1000,
  egid: 1000,
  exe: '/usr/bin/bash',
  filename: '/usr/local/bin/npm',
  argv: ['npm', 'install'],
  argv_bytes: 12,
  comm: 'bash',
  start_time: 7302000007,
  error: 'ENOENT',
  source: 'ebpf',
};
