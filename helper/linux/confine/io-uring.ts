import { installFilter, JUMP_EQUAL, LOAD, NUMBER, RET_ALLOW, RET_ERRNO, RETURN, type Instruction } from '../filter.ts';
import type { Libc } from '../libc.ts';

/** io_uring_setup, io_uring_enter and io_uring_register have the same numbers on every architecture. */
export const IO_URING = [425, 426, 427];
const ENOSYS = 38;

/**
 * Forbids io_uring for this thread and its image after execve: to them the kernel seems to have none. Otherwise libuv
 * makes a ring as it starts and uses it for its work with epoll, and no system call filter sees operations through a
 * ring.
 * @throws {HelperError} HELPER_PRIVILEGE when the kernel refuses
 */
export function denyIoUring(libc: Libc): void {
  installFilter(
    libc,
    [
      [LOAD, 0, 0, NUMBER],
      ...IO_URING.flatMap((number): Instruction[] => [
        [JUMP_EQUAL, 0, 1, number],
        [RETURN, 0, 0, RET_ERRNO | ENOSYS],
      ]),
      [RETURN, 0, 0, RET_ALLOW],
    ],
    0,
  );
}
