import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import path from 'node:path';
import { HelperError } from '../errors.ts';

const WRITABLE_BY_OTHERS = 0o022;
/** Links that the kernel follows in one path (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * Demands that nobody but root decides what a path leads to: the file or folder itself, every
 * folder on the way, and every link that is followed belong to root, and none of them can be
 * written by others. A sticky bit does not excuse a folder: others could still add files to it.
 *
 * It goes from the top down, as the kernel does. Whatever was looked at is root's alone from
 * that moment on, so nobody can put another file behind the way that was checked.
 * @returns the real path, without links: use it, not `file`
 * @throws {HelperError} HELPER_UNSAFE_FILE, naming the first place that fails and the command that mends it
 */
export function requireTrusted(file: string): string {
  const rest = path.resolve(file).split('/').filter(Boolean);
  let real = '/';
  let found = look(file, real);
  for (let links = 0; rest.length > 0;) {
    const name = rest.shift() as string;
    if (name === '..') {
      real = path.dirname(real);
      continue;
    }
    const at = path.join(real, name);
    found = look(file, at);
    if (!found.isSymbolicLink()) {
      real = at;
      continue;
    }
    if (++links > MAX_LINKS) throw unsafe(`${file} leads through more than ${MAX_LINKS} links. Shorten the way.`);
    const target = readlinkSync(at);
    if (path.isAbsolute(target)) real = '/';
    rest.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
  }
  if (!found.isFile() && !found.isDirectory()) throw unsafe(`${real} is neither a file nor a folder. Move it away.`);
  return real;
}

/** What is at a place that root alone can change. */
function look(file: string, at: string): Stats {
  let found: Stats;
  try {
    found = lstatSync(at);
  } catch (cause) {
    const where = at === file ? file : `${file} (at ${at})`;
    throw unsafe(`${where} is missing: ${(cause as NodeJS.ErrnoException).code}. Install the helper again.`, cause);
  }
  const { uid, mode } = found;
  const isLink = found.isSymbolicLink();
  if (uid !== 0)
    throw unsafe(
      `${at} belongs to uid ${uid}, who could make root run other code. Mend it: chown ${isLink ? '-h ' : ''}root ${at}`,
    );
  // Everybody may "write" a link; only its folder's owner can change it.
  if (!isLink && (mode & WRITABLE_BY_OTHERS) !== 0)
    throw unsafe(
      `${at} can be written by others than root (mode ${(mode & 0o7777).toString(8)}). Mend it: chmod go-w ${at}`,
    );
  return found;
}

function unsafe(message: string, cause?: unknown): HelperError {
  return new HelperError('HELPER_UNSAFE_FILE', message, { cause });
}
