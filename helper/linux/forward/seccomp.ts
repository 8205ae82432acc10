import { installFilter, JUMP_EQUAL, LOAD, NUMBER, RET_ALLOW, RET_ERRNO, RETURN, type Instruction } from '../filter.ts';
import type { Libc } from '../libc.ts';

/** One system call the helper still makes, by its number on x86-64 and arm64 (-1: not there), and what for. */
type Call = readonly [name: string, x64: number, arm64: number, why: string];

/**
 * All that is left after start-up. Everything else is answered with EPERM: no
 * program is started, no process or thread made, no file opened, no socket made
 * or connected, no BPF call, no io_uring (whose operations no filter sees).
 */
const ALLOWED: readonly Call[] = [
  ['epoll_pwait', 281, 22, 'the event loop'],
  ['epoll_wait', 232, -1, 'the event loop, by an older C library'],
  ['epoll_ctl', 233, 21, 'begins and ends watching a client'],
  ['accept4', 288, 242, 'takes a client'],
  ['getsockopt', 55, 209, 'asks who the client is'],
  ['sendto', 44, 206, 'sends events; never recvfrom'],
  ['read', 0, 63, 'wake-ups and signals inside the runtime, from descriptors it made itself'],
  ['pread64', 17, 67, "the kernel's count of skipped probe runs"],
  ['write', 1, 64, 'wakes a thread of the runtime; says a last line on standard error'],
  ['writev', 20, 66, 'the same, in pieces'],
  ['close', 3, 57, 'ends a client'],
  ['fstat', 5, 80, 'standard streams at the end'],
  ['fsync', 74, 82, 'standard streams at the end'],
  ['fcntl', 72, 25, 'standard streams at the end'],
  ['futex', 202, 98, 'waits between threads'],
  ['mmap', 9, 222, 'memory; not executable, see below'],
  ['mprotect', 10, 226, 'memory; not executable, see below'],
  ['munmap', 11, 215, 'memory'],
  ['mremap', 25, 216, 'memory'],
  ['madvise', 28, 233, 'memory'],
  ['brk', 12, 214, 'memory'],
  ['clock_gettime', 228, 113, 'the clocks, where the kernel offers no faster way'],
  ['clock_nanosleep', 230, 115, 'waits'],
  ['nanosleep', 35, 101, 'waits'],
  ['restart_syscall', 219, 128, 'goes on with a wait after SIGSTOP and SIGCONT'],
  ['getrandom', 318, 278, 'seeds hash tables'],
  ['getpid', 39, 172, 'libuv looks whether it was forked'],
  ['gettid', 186, 178, 'locks'],
  ['sched_yield', 24, 124, 'locks'],
  ['sched_getaffinity', 204, 123, 'how many processors there are'],
  ['sched_getparam', 143, 121, "a lock that is contended looks at its thread's priority"],
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

/** linux/bpf_common.h. */
const JUMP_SET = 0x45;
/** linux/seccomp.h. */
const RET_KILL_PROCESS = 0x80000000;
const FILTER_FLAG_TSYNC = 1;
const EPERM = 1;
/** Offsets in struct seccomp_data; an argument's lower half comes first. */
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;

const PROT_EXEC = 4;
const FIONREAD = 0x541b;
const FIONBIO = 0x5421;

const SYSTEMS = {
  x64: { audit: 0xc000003e, column: 1, ioctl: 16 },
  arm64: { audit: 0xc00000b7, column: 2, ioctl: 29 },
} as const;

/** The filter: seccomp_filter.rst of the kernel's documentation. */
function buildFilter(arch: keyof typeof SYSTEMS): Instruction[] {
  const { audit, column, ioctl } = SYSTEMS[arch];
  const numberOf = (name: string): number => ALLOWED.find((call) => call[0] === name)?.[column] ?? -1;
  return [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, audit],
    [RETURN, 0, 0, RET_KILL_PROCESS], // the numbers below mean other calls there
    [LOAD, 0, 0, NUMBER],
    // Memory that can be executed is not made any more.
    ...(['mmap', 'mprotect'] as const).flatMap((name): Instruction[] => [
      [JUMP_EQUAL, 0, 4, numberOf(name)],
      [LOAD, 0, 0, argument(2)],
      [JUMP_SET, 0, 1, PROT_EXEC],
      [RETURN, 0, 0, RET_ERRNO | EPERM],
      [RETURN, 0, 0, RET_ALLOW],
    ]),
    // How much a client wrote, and making a descriptor non-blocking (libuv does, of each it watches). No other ioctl.
    [JUMP_EQUAL, 0, 5, ioctl],
    [LOAD, 0, 0, argument(1)],
    [JUMP_EQUAL, 2, 0, FIONREAD],
    [JUMP_EQUAL, 1, 0, FIONBIO],
    [RETURN, 0, 0, RET_ERRNO | EPERM],
    [RETURN, 0, 0, RET_ALLOW],
    ...ALLOWED.filter((call) => call[column] !== -1).flatMap((call): Instruction[] => [
      [JUMP_EQUAL, 0, 1, call[column]],
      [RETURN, 0, 0, RET_ALLOW],
    ]),
    [RETURN, 0, 0, RET_ERRNO | EPERM],
  ];
}

/**
 * Puts every thread of this process under the filter, for good. Needs
 * no_new_privs. To be called when all that has to be opened is open.
 * @throws {HelperError} HELPER_PRIVILEGE when the kernel refuses
 */
export function restrictSystemCalls(libc: Libc): void {
  if (process.arch in SYSTEMS)
    installFilter(libc, buildFilter(process.arch as keyof typeof SYSTEMS), FILTER_FLAG_TSYNC);
}
