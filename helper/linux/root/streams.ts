import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Libc } from '../libc.ts';

const F_GETFL = 3;
const O_ACCMODE = 3;

/**
 * Makes the standard streams of the next image write-only. A terminal is open for both, and a process that reads it
 * reads keystrokes. Standard input and output are not used and become /dev/null. Standard error is reopened for writing
 * if it could be read. A socket cannot be reopened; it stays, and the system call filter forbids reading it. Call this
 * while files, including other users' terminals, can still be opened.
 */
export function handOnWriteOnly(libc: Libc): void {
  for (const fd of [0, 1]) put(libc, fd, '/dev/null', 0);
  if ((libc.fcntl(2, F_GETFL, 0) & O_ACCMODE) === constants.O_WRONLY) return;
  const kind = fstatSync(2);
  if (kind.isSocket()) return;
  // Append to a file, since the new descriptor does not share the old one's position. And do not wait for a FIFO.
  const flags = kind.isFile() ? constants.O_APPEND : kind.isFIFO() ? constants.O_NONBLOCK : 0;
  try {
    put(libc, 2, '/proc/self/fd/2', flags);
  } catch {
    put(libc, 2, '/dev/null', 0); // for example, a terminal that is gone
  }
}

/** Opens a file for writing in the place of a descriptor. */
function put(libc: Libc, fd: number, file: string, flags: number): void {
  const opened = openSync(file, constants.O_WRONLY | constants.O_NOCTTY | flags);
  libc.dup2(opened, fd);
  closeSync(opened);
}
