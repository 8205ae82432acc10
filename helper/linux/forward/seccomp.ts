import { readdirSync, readlinkSync } from 'node:fs';
import { installFilter, JUMP_EQUAL, LOAD, NUMBER, RET_ALLOW, RET_ERRNO, RETURN, type Instruction } from '../filter.ts';
import type { Libc } from '../libc.ts';

/**
 * A system call that the helper may still make: its numbers on x86-64 and arm64 (-1: does not exist), and its purpose.
 */
type Call = readonly [name: string, x64: number, arm64: number, why: string];

/**
 * The calls that are left after start-up. All others fail with EPERM: the helper can start no program, create no
 * process or thread, open no file, make or connect no socket, and make no call of BPF or io_uring (whose operations no
 * filter sees).
 */
export const ALLOWED: readonly Call[] = [
  ['epoll_pwait', 281, 22, 'the event loop'],
  ['epoll_wait', 232, -1, 'the event loop, with older C libraries'],
  ['epoll_ctl', 233, 21, 'begins and ends watching a client'],
  ['accept4', 288, 242, 'takes a client'],
  ['getsockopt', 55, 209, 'asks who the client is'],
  ['sendto', 44, 206, 'sends events to clients and reports to the service manager; never recvfrom'],
  ['read', 0, 63, 'wake-ups and signals inside the runtime, from descriptors that it made itself'],
  ['pread64', 17, 67, "the kernel's count of skipped probe runs"],
  ['write', 1, 64, 'wakes a thread of the runtime; writes a last line to standard error'],
  ['writev', 20, 66, 'the same, in pieces'],
  ['close', 3, 57, 'ends a client'],
  ['ioctl', 16, 29, 'tells how much a client wrote; makes a descriptor non-blocking'],
  ['fstat', 5, 80, 'checks at the end that the standard streams are unchanged'],
  ['fsync', 74, 82, 'flushes standard output and error at the end; the runtime does not end without it'],
  ['fcntl', 72, 25, 'reads and restores the flags of the standard streams at the end'],
  ['futex', 202, 98, 'waits between threads'],
  ['mmap', 9, 222, 'memory; not executable, see below'],
  ['mprotect', 10, 226, 'memory; not executable, see below'],
  ['munmap', 11, 215, 'memory'],
  ['mremap', 25, 216, 'memory'],
  ['madvise', 28, 233, 'memory'],
  ['brk', 12, 214, 'memory'],
  ['clock_gettime', 228, 113, 'the clocks, if the kernel offers no faster way'],
  ['clock_nanosleep', 230, 115, 'waits'],
  ['nanosleep', 35, 101, 'waits'],
  ['restart_syscall', 219, 128, 'continues a wait after SIGSTOP and SIGCONT'],
  ['getrandom', 318, 278, 'seeds hash tables'],
  ['getpid', 39, 172, 'libuv checks whether the process was forked'],
  ['gettid', 186, 178, 'locks'],
  ['sched_yield', 24, 124, 'locks'],
  ['sched_getparam', 143, 121, "a contended lock checks its thread's priority"],
  ['sched_getscheduler', 145, 120, 'the same'],
  ['membarrier', 324, 283, 'the garbage collector'],
  ['rseq', 334, 293, 'the C library, for each thread that ends'],
  ['rt_sigaction', 13, 134, 'restores the signals at the end'],
  ['rt_sigprocmask', 14, 135, 'signals'],
  ['rt_sigreturn', 15, 139, 'returns from SIGTERM'],
  ['sigaltstack', 131, 132, 'signals'],
  ['exit', 60, 93, 'a thread ends'],
  ['exit_group', 231, 94, 'the process ends'],
];

/** Calls that are allowed only with some arguments; a test compares their names with the documents. */
type Condition =
  /** One of these numbers and no other. */
  | { readonly argument: number; readonly oneOf: readonly number[] }
  /** None of these. */
  | { readonly argument: number; readonly noneOf: readonly number[] }
  /** None of these bits. */
  | { readonly argument: number; readonly without: number };

/** The descriptors that the filter names: open when it is installed, and kept open. */
export interface Descriptors {
  /** The highest open descriptor. */
  readonly highest: number;
  /** Wake-ups and signals between the runtime's own threads. */
  readonly wakeUps: readonly number[];
  /** Files of /proc in which the kernel describes this process and its programs. */
  readonly kernelFiles: readonly number[];
}

const STANDARD_STREAMS = [0, 1, 2];
const STANDARD_ERROR = 2;
const PROT_EXEC = 4;
const FIONREAD = 0x541b;
const FIONBIO = 0x5421;
const F_GETFL = 3;
const F_SETFL = 4;

/** The permitted arguments of calls; a call without an entry may have any. */
export function conditions({ wakeUps, kernelFiles }: Descriptors): Readonly<Record<string, readonly Condition[]>> {
  const writable = [STANDARD_ERROR, ...wakeUps];
  return {
    // No address: only to whom a socket is connected. The address itself is a pointer, of which a filter sees half.
    sendto: [{ argument: 5, oneOf: [0] }],
    read: [{ argument: 0, oneOf: wakeUps }],
    pread64: [{ argument: 0, oneOf: kernelFiles }],
    write: [{ argument: 0, oneOf: writable }],
    writev: [{ argument: 0, oneOf: writable }],
    // Otherwise a client could get the number of one of them, and be read.
    close: [{ argument: 0, noneOf: wakeUps }],
    fstat: [{ argument: 0, oneOf: STANDARD_STREAMS }],
    fsync: [{ argument: 0, oneOf: STANDARD_STREAMS }],
    fcntl: [
      { argument: 0, oneOf: STANDARD_STREAMS },
      { argument: 1, oneOf: [F_GETFL, F_SETFL] },
    ],
    ioctl: [{ argument: 1, oneOf: [FIONREAD, FIONBIO] }],
    // No new executable memory.
    mmap: [{ argument: 2, without: PROT_EXEC }],
    mprotect: [{ argument: 2, without: PROT_EXEC }],
  };
}

const O_ACCMODE = 3;
/** O_CREAT, O_TRUNC, O_APPEND and the bit that only O_TMPFILE has: the same on x86-64 and arm64. */
const CHANGING = O_ACCMODE | 0o100 | 0o1000 | 0o2000 | 0o20000000;

/**
 * Allowed in addition until the ring is drained: the helper opens files to read the arguments of programs that already
 * run. The second filter forbids these calls.
 */
export const AT_START: readonly Call[] = [
  ['openat', 257, 56, 'arguments of processes that already run, from /proc; only to read'],
  ['seccomp', 317, 277, 'the second filter'],
];
const AT_START_CONDITIONS: Readonly<Record<string, readonly Condition[]>> = {
  openat: [{ argument: 2, without: CHANGING }],
};

/** linux/bpf_common.h. */
const JUMP_SET = 0x45;
const JUMP_ALWAYS = 0x05;
/** linux/seccomp.h. */
const RET_KILL_PROCESS = 0x80000000;
const FILTER_FLAG_TSYNC = 1;
const EPERM = 1;
/** Offset in struct seccomp_data. */
const ARCHITECTURE = 4;

const SYSTEMS = {
  x64: { audit: 0xc000003e, column: 1 },
  arm64: { audit: 0xc00000b7, column: 2 },
} as const;

const REFUSE: Instruction = [RETURN, 0, 0, RET_ERRNO | EPERM];

/** The filter: seccomp_filter.rst of the kernel's documentation. */
function buildFilter(
  arch: keyof typeof SYSTEMS,
  calls: readonly Call[],
  demands: Readonly<Record<string, readonly Condition[]>>,
): Instruction[] {
  const { audit, column } = SYSTEMS[arch];
  return [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, audit],
    [RETURN, 0, 0, RET_KILL_PROCESS], // the numbers below mean other calls on another architecture
    [LOAD, 0, 0, NUMBER],
    ...calls
      .filter((call) => call[column] !== -1)
      .flatMap((call): Instruction[] => {
        const body: Instruction[] = [...(demands[call[0]] ?? []).flatMap(test), [RETURN, 0, 0, RET_ALLOW]];
        return [[JUMP_EQUAL, 0, body.length, call[column]], ...body];
      }),
    REFUSE,
  ];
}

/**
 * Continues behind itself if the condition is met, and refuses otherwise. Checks the lower half of the argument, which
 * comes first: the kernel itself uses only that half of descriptors, commands, flags and process ids.
 */
function test(condition: Condition): Instruction[] {
  const load: Instruction = [LOAD, 0, 0, 16 + 8 * condition.argument];
  if ('without' in condition) return [load, [JUMP_SET, 0, 1, condition.without], REFUSE];
  if ('oneOf' in condition) {
    const { oneOf } = condition;
    return [load, ...oneOf.map((value, i): Instruction => [JUMP_EQUAL, oneOf.length - i, 0, value]), REFUSE];
  }
  const { noneOf } = condition;
  const jumps = noneOf.map((value, i): Instruction => [JUMP_EQUAL, noneOf.length - i, 0, value]);
  return [load, ...jumps, [JUMP_ALWAYS, 0, 0, 1], REFUSE];
}

/** Finds the descriptors of this process that the filter has to name. Needs /proc. Call it when everything is open. */
export function namedDescriptors(): Descriptors {
  const open = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [{ fd: Number(name), target: readlinkSync(`/proc/self/fd/${name}`) }];
    } catch {
      return []; // the descriptor of the listing itself
    }
  });
  const of = (kind: RegExp): number[] =>
    open.filter(({ fd, target }) => !STANDARD_STREAMS.includes(fd) && kind.test(target)).map(({ fd }) => fd);
  const highest = Math.max(...open.map(({ fd }) => fd));
  return {
    highest,
    wakeUps: of(/^(?:anon_inode:\[(?:eventfd|timerfd)\]|pipe:.*)$/),
    kernelFiles: of(/^\/proc\/\d+\//),
  };
}

/**
 * Installs the first filter on every thread, before the helper reads anything that others chose. It allows the calls
 * that are left after start-up, reading files, and installing the second filter. Needs no_new_privs.
 * @throws {HelperError} HELPER_PRIVILEGE when the kernel refuses
 */
export function restrictToStarting(libc: Libc, named: Descriptors): void {
  // Files read at start get descriptors that are not known yet. All other readable ones were handed over to be read.
  const { read: _, fstat: __, ...rest } = conditions(named);
  install(libc, [...ALLOWED, ...AT_START], { ...rest, ...AT_START_CONDITIONS });
}

/**
 * Installs the final filter on every thread, permanently. Needs no_new_privs. Call it when everything that is needed is
 * open.
 * @throws {HelperError} HELPER_PRIVILEGE when the kernel refuses
 */
export function restrictSystemCalls(libc: Libc, named: Descriptors): void {
  install(libc, ALLOWED, conditions(named));
}

function install(libc: Libc, calls: readonly Call[], demands: Readonly<Record<string, readonly Condition[]>>): void {
  if (process.arch in SYSTEMS)
    installFilter(libc, buildFilter(process.arch as keyof typeof SYSTEMS, calls, demands), FILTER_FLAG_TSYNC);
}
