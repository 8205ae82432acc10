import { getSystemErrorMessage, getSystemErrorName } from 'node:util';

/** A failed system call, with its name and the system's reason. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly errno: number;
  /** The errno's name, `EADDRINUSE`. */
  readonly code: string;

  constructor(call: string, errno: number) {
    super(`${call}: ${getSystemErrorMessage(-errno)} (${getSystemErrorName(-errno)})`);
    this.errno = errno;
    this.code = getSystemErrorName(-errno);
  }
}
