/**
 * The layout of bpf/exec.h, as offsets in bytes. A test compares it with the
 * type information of the compiled object.
 */

/** enum kind: which counter an event is numbered by. */
export const KIND = { exec: 0, failed: 1, exit: 2, snapshot: 3, fork: 4 } as const;

/** enum record_type. */
export const RECORD_TYPE = { event: 1, args: 2, env: 3 } as const;

/** struct exec_record; a fork has it too, with only a few of its fields. */
export const EVENT = {
  type: 0,
  kind: 2,
  cpu: 4,
  number: 8,
  seconds: 16,
  nanoseconds: 20,
  pid: 24,
  flags: 28,
  start_time: 32,
  error: 40,
  argv_bytes: 44,
  comm: 48,
  filename_bytes: 64,
  args_bytes: 68,
  env_bytes: 72,
  env_total: 76,
  parent_start_time: 80,
  ppid: 88,
  uid: 92,
  gid: 96,
  euid: 100,
  egid: 104,
  loginuid: 108,
  session_id: 112,
  tty: 116,
  ns: 120,
  exe_bytes: 148,
  cwd_bytes: 152,
  parent_exe_bytes: 156,
  fd_path_bytes: 160,
  cgroup_bytes: 164,
  fd: 168,
} as const;
export const EVENT_BYTES = 176;
export const COMM_BYTES = 16;

/** enum ns_index. */
export const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const;

/** struct exit_record. */
export const EXIT = { seconds: 16, nanoseconds: 20, pid: 24, status: 28, start_time: 32 } as const;
export const EXIT_BYTES = 40;

/** struct more_record. */
export const MORE = { type: 0, kind: 2, cpu: 4, number: 8, offset: 16, bytes: 20 } as const;
export const MORE_BYTES = 24;

/** enum exec_flags: bit number, and the name it has in `flags` of an event. */
export const FLAG_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'script'],
  [1, 'memfd'],
  [2, 'deleted'],
  [3, 'setuid'],
  [4, 'setgid'],
  [5, 'secureexec'],
  [6, 'compat32'],
  [7, 'chroot'],
  [8, 'foreign_mount'],
  [17, 'exe_truncated'],
  [18, 'cwd_truncated'],
  [19, 'parent_exe_truncated'],
  [20, 'cgroup_truncated'],
  [21, 'filename_truncated'],
  [22, 'fd_path_truncated'],
]);
export const FLAG_SCRIPT = 1 << 0;
export const FLAG_ARGV_CUT = 1 << 16;
export const FLAG_EXE_CUT = 1 << 17;
export const FLAG_CWD_CUT = 1 << 18;
export const FLAG_PARENT_EXE_CUT = 1 << 19;
export const FLAG_CGROUP_CUT = 1 << 20;
export const FLAG_FD_PATH_CUT = 1 << 22;
export const FLAG_ENV_CUT = 1 << 23;

/** AT_FDCWD of fcntl.h, as an unsigned word: no descriptor. */
export const NO_FD = 0xffffff9c;

/** The kernel's value for a missing login uid. */
export const NO_UID = 0xffffffff;
