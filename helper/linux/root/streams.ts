import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Libc } from '../libc.ts';

const F_GETFL = 3;
const O_ACCMODE = 3;

/**
 * Leaves to the next image standard streams that can be written and not read. A terminal comes
 * open for both, and who reads it reads keystrokes. Standard input and output are not used: they
 * become /dev/null. Standard error is opened anew for writing where it could be read. A socket
 * cannot be opened anew; that one stays, and the system call filter lets nobody read it.
 * To be called while files can still be opened, and terminals of others too.
 */
export function handOnWriteOnly(libc: Libc): void {
  for (const fd of [0, 1]) put(libc, fd, '/dev/null', 0);
  if ((libc.fcntl(2, F_GETFL, 0) & O_ACCMODE) === constants.O_WRONLY) return;
  const kind = fstatSync(2);
  if (kind.isSocket()) return;
  // A file is written at its end: the new descriptor does not share the old one's place in it. And no FIFO is waited for.
  const flags = kind.isFile() ? constants.O_APPEND : kind.isFIFO() ? constants.O_NONBLOCK : 0;
  try {
    put(libc, 2, '/proc/self/fd/2', flags);
  } catch {
    put(libc, 2, '/dev/null', 0); // a terminal that is gone, for one
  }
}

/** Opens a file for writing in the place of a descriptor. */
function put(libc: Libc, fd: number, file: string, flags: number): void {
  const opened = openSync(file, constants.O_WRONLY | constants.O_NOCTTY | flags);
  libc.dup2(opened, fd);
  closeSync(opened);
}
