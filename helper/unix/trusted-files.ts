import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { HelperError } from '../errors.ts';

const WRITABLE_BY_OTHERS = 0o022;

/**
 * Demands that nobody but root can change `file` or put another in its place: it
 * and every folder above it belong to root and are writable by root alone.
 * A sticky bit does not excuse a folder: others could still add files to it.
 * @returns the file's real path, which is what was checked: use it, not a link to it
 * @throws {HelperError} HELPER_UNSAFE_FILE, naming the first that fails and the command that mends it
 */
export function requireTrusted(file: string): string {
  let real: string;
  try {
    real = realpathSync(file);
  } catch (cause) {
    throw new HelperError(
      'HELPER_UNSAFE_FILE',
      `${file} is missing: ${(cause as NodeJS.ErrnoException).code}. Install the helper again.`,
      { cause },
    );
  }
  for (let at = real; ; at = path.dirname(at)) {
    const { uid, mode } = lstatSync(at);
    if (uid !== 0) {
      throw new HelperError(
        'HELPER_UNSAFE_FILE',
        `${at} belongs to uid ${uid}, who could make root run other code. Mend it: chown root ${at}`,
      );
    }
    if ((mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new HelperError(
        'HELPER_UNSAFE_FILE',
        `${at} can be written by others than root (mode ${(mode & 0o7777).toString(8)}). Mend it: chmod go-w ${at}`,
      );
    }
    if (at === path.dirname(at)) return real;
  }
}
