import { SystemError } from '../unix/system-error.ts';
import type { Koffi } from '../koffi.ts';

/**
 * Calls of the C library on macOS that Node.js does not offer. Each returns what its manual page says. On Apple's
 * 64-bit ARM, calls with `...` pass those arguments on the stack, so they must be declared as variadic.
 */
export type MacLibc = ReturnType<typeof bindMacLibc>;

export function bindMacLibc(koffi: Koffi) {
  const libc = koffi.load('/usr/lib/libSystem.B.dylib');
  const bound = {
    pipe: libc.func('int pipe(_Out_ int *fds)'),
    fcntl: libc.func('int fcntl(int fd, int command, ...)'),
    ioctl: libc.func('int ioctl(int fd, unsigned long request, ...)'),
    flock: libc.func('int flock(int fd, int operation)'),
    clock_gettime: libc.func('int clock_gettime(int clock, _Out_ int64_t *timespec)'),
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    bind: libc.func('int bind(int fd, const uint8_t *address, uint32_t bytes)'),
    connect: libc.func('int connect(int fd, const uint8_t *address, uint32_t bytes)'),
    listen: libc.func('int listen(int fd, int backlog)'),
    accept: libc.func('int accept(int fd, void *address, void *bytes)'),
    send: libc.func('intptr_t send(int fd, const uint8_t *data, size_t bytes, int flags)'),
    getsockopt: libc.func(
      'int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint32_t *bytes)',
    ),
    sysctlbyname: libc.func(
      'int sysctlbyname(const char *name, _Out_ uint8_t *old, _Inout_ size_t *bytes, const void *value, size_t value_bytes)',
    ),
    /** libsyscall/wrappers/csr.c: 0 if System Integrity Protection allows everything in the mask. */
    csr_check: libc.func('int csr_check(uint32_t mask)'),
  } as const;
  return { ...bound, failure: (call: string) => new SystemError(call, koffi.errno()), errno: () => koffi.errno() };
}
