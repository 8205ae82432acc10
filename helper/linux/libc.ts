import type { Koffi } from '../koffi.ts';
import { SystemError } from '../unix/system-error.ts';

/** Calls of the C library that Node.js does not offer. Each returns what its manual page says. */
export type Libc = ReturnType<typeof bindLibc>;

export function bindLibc(koffi: Koffi) {
  const libc = koffi.load('libc.so.6');
  const bound = {
    mmap: libc.func('void *mmap(void *at, size_t bytes, int prot, int flags, int fd, int64_t offset)'),
    madvise: libc.func('int madvise(uintptr_t at, size_t bytes, int advice)'),
    getpagesize: libc.func('int getpagesize()'),
    fcntl: libc.func('int fcntl(int fd, int command, long value)'),
    dup2: libc.func('int dup2(int from, int to)'),
    flock: libc.func('int flock(int fd, int operation)'),
    ioctl: libc.func('int ioctl(int fd, unsigned long request, _Out_ int *value)'),
    prctl: libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)'),
    syscall: libc.func('long syscall(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d)'),
    capset: libc.func('int capset(const uint32_t *header, const uint32_t *data)'),
    execve: libc.func('int execve(const char *path, const char **argv, const char **envp)'),
    /** Ends the process at once: without the clean-up of the layers above. */
    exit: libc.func('void _exit(int status)'),
    clock_gettime: libc.func('int clock_gettime(int clock, _Out_ uint32_t *timespec)'),
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    bind: libc.func('int bind(int fd, const uint8_t *address, uint32_t bytes)'),
    connect: libc.func('int connect(int fd, const uint8_t *address, uint32_t bytes)'),
    listen: libc.func('int listen(int fd, int backlog)'),
    accept4: libc.func('int accept4(int fd, void *address, void *bytes, int flags)'),
    send: libc.func('intptr_t send(int fd, const uint8_t *data, size_t bytes, int flags)'),
    getsockopt: libc.func(
      'int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint32_t *bytes)',
    ),
  } as const;
  // Two numbers of 64 bits. Made once: the helper reads two clocks at each look. The lower halves, which come first, are
  // enough until 2106.
  const timespec = new Uint32Array(4);

  return {
    ...bound,
    /**
     * The address of a buffer, for a structure or a bare system call that needs a pointer. The caller must keep the
     * buffer alive.
     */
    address: (buffer: Buffer): bigint => koffi.address(buffer),
    /** The failure of the last call on this thread, with its name. */
    failure: (call: string) => new SystemError(call, koffi.errno()),
    errno: () => koffi.errno(),

    /**
     * Maps `bytes` of `fd` shared. The mapping lasts as long as the process.
     * @throws {SystemError}
     */
    map(fd: number, bytes: number, offset: number, writable: boolean): ArrayBuffer {
      const PROT_READ = 1;
      const PROT_WRITE = 2;
      const MAP_SHARED = 1;
      const at = bound.mmap(null, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, offset);
      if (at === null || BigInt.asIntN(64, BigInt(at)) === -1n) throw new SystemError('mmap', koffi.errno());
      return koffi.view(at, bytes);
    },

    /** Reads a clock of clock_gettime(2), in seconds and nanoseconds. */
    clock(id: number): { seconds: number; nanoseconds: number } {
      if (bound.clock_gettime(id, timespec) !== 0) throw new SystemError('clock_gettime', koffi.errno());
      return { seconds: timespec[0] as number, nanoseconds: timespec[2] as number };
    },
  };
}
