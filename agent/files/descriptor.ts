import { write } from 'node:fs';

/** How long to wait when a non-blocking descriptor takes nothing now, in milliseconds. */
const RETRY_AFTER_MS = 10;

/**
 * Writes all of `data` to a descriptor. The system may take less than it was
 * given (a full disk takes the first half of a line and reports no error), so this goes on
 * until everything is written or the system says why not.
 *
 * @returns bytes written and, where that is not all, the error that ended it
 */
export function writeAll(
  descriptor: number,
  data: Uint8Array,
): Promise<{ written: number; error?: NodeJS.ErrnoException }> {
  return new Promise((resolve) => {
    let at = 0;
    const next = () => {
      write(descriptor, data, at, data.length - at, null, (error, count) => {
        if (error?.code === 'EAGAIN') return void setTimeout(next, RETRY_AFTER_MS);
        if (error) return resolve({ written: at, error });
        at += count;
        if (at < data.length) next();
        else resolve({ written: at });
      });
    };
    next();
  });
}
