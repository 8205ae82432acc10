import {
  count,
  flag,
  instant,
  integer,
  isObject,
  mapOf,
  objectOf,
  oneOf,
  sha256,
  text,
  texts,
  yes,
  type Check,
  type Fields,
} from './fields.ts';
import type { Source } from './exec.ts';

/**
 * The privileges that the helper still holds, read back from the system after the drop. A system omits fields that do
 * not apply to it.
 */
export interface PrivilegeState {
  uid?: number;
  gid?: number;
  /** Number of threads; the fields below hold for every one of them. */
  threads?: number;
  /** Union of all capability sets of all threads, in hexadecimal: `0` is none. */
  capabilities?: string;
  no_new_privs?: boolean;
  /** seccomp mode: 0 none, 2 filter. */
  seccomp?: number;
  /** Version of Landlock in force: 0 if the kernel has none. */
  landlock?: number;
  /** Windows: user of the process's token. */
  user_sid?: string;
  /** Windows: mandatory integrity level by name. */
  integrity_level?: string;
  /** Windows: the privileges left in the token; all others were removed permanently. */
  token_privileges?: string[];
}

/**
 * The first line to every client: the helper's identity, its programs, its remaining privileges, and the events that it
 * still holds.
 */
export interface HelloEvent {
  type: 'hello';
  protocol: number;
  /** Version of the helper. */
  helper: string;
  platform: 'linux' | 'win32' | 'darwin';
  source: Source;
  /** Identifies the boot. With `seq` it identifies an event permanently. */
  boot_id: string;
  time: string;
  /** SHA-256 of the loaded probe program; absent if the system provides its own. */
  probe_sha256?: string;
  /** The attached kernel programs, or the enabled providers. */
  programs: string[];
  /** The variables of which exec events tell (`env`); absent if there are none. */
  env?: string[];
  /** New processes are told, as `fork`; absent if not. With `exits`, the end of every process is told then. */
  forks?: true;
  /** Ends are told, as `exit`: those of processes that have executed something, or of all (`forks`); absent if not. */
  exits?: true;
  /** Known reasons why the source reports less than it should; absent if there are none. */
  limits?: string[];
  privileges: PrivilegeState;
  /** The number of the first event since the probe was loaded, past or future. */
  first_seq: number;
  /** The newest number used; `first_seq - 1` while there was no event. */
  last_seq: number;
  /** The oldest number in the backlog, which is sent next; absent when the backlog is empty. */
  oldest_held_seq?: number;
  /** Seconds between heartbeats. */
  heartbeat_seconds: number;
  /** The helper's own namespaces; `ns` of an event contains those that differ. Absent if the system has none. */
  ns?: Record<string, number>;
}

const UNIX_PRIVILEGES = objectOf({
  uid: integer,
  gid: integer,
  threads: count,
  capabilities: text,
  no_new_privs: flag,
  seccomp: count,
  landlock: count,
});
const WINDOWS_PRIVILEGES = objectOf({ user_sid: text, integrity_level: text, token_privileges: texts });

const privileges: Check = (v) => (isObject(v) && 'token_privileges' in v ? WINDOWS_PRIVILEGES(v) : UNIX_PRIVILEGES(v));

export const HELLO_FIELDS: Fields<HelloEvent> = {
  type: oneOf('hello'),
  protocol: count,
  helper: text,
  platform: oneOf('linux', 'win32', 'darwin'),
  source: oneOf('ebpf', 'etw', 'dtrace', 'eslogger', 'snapshot'),
  boot_id: text,
  time: instant,
  probe_sha256: sha256,
  programs: texts,
  env: texts,
  forks: yes,
  exits: yes,
  limits: texts,
  privileges,
  first_seq: count,
  last_seq: count,
  oldest_held_seq: count,
  heartbeat_seconds: count,
  ns: mapOf(count),
};
export const HELLO_REQUIRED = [
  'protocol',
  'helper',
  'platform',
  'source',
  'boot_id',
  'time',
  'programs',
  'privileges',
  'first_seq',
  'last_seq',
  'heartbeat_seconds',
] as const;

export const HELLO_EXAMPLE: HelloEvent = {
  type: 'hello',
  protocol: 1,
  helper: '0.1.0',
  platform: 'linux',
  source: 'ebpf',
  boot_id: '5a0c81a2-2b5e-4f0f-9d4c-3a7f8f1f5e11',
  time: '2023-03-15T13:19:59.000000000Z',
  probe_sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  programs: ['on_exec', 'on_exec_second', 'on_exec_third'],
  privileges: { uid: 991, gid: 991, threads: 7, capabilities: '0', no_new_privs: true, seccomp: 2, landlock: 7 },
  first_seq: 7300067,
  last_seq: 7302117,
  oldest_held_seq: 7300067,
  heartbeat_seconds: 5,
  ns: {
    cgroup: 4026531835,
    ipc: 4026531839,
    mnt: 4026531841,
    net: 4026531840,
    pid: 4026531836,
    user: 4026531837,
    uts: 4026531838,
  },
};
