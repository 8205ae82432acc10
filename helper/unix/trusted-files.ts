import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import path from 'node:path';
import { HelperError } from '../errors.ts';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
const ELSEWHERE = 'Use a place that root alone can change';
/** Maximum number of links that the kernel follows in one path (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * Checks that only root decides where a path leads: the file or folder itself, every folder on the way, and every
 * followed link must belong to root, and others must not be able to write to them. A sticky bit does not help a folder:
 * others could still add files to it.
 *
 * Goes from the top down, as the kernel does. Only root can change a place once it has been checked, so nobody can put
 * another file behind it.
 * @returns the real path, without links: use it instead of `file`
 * @throws {HelperError} HELPER_UNSAFE_FILE, naming the first place that fails and the command that corrects it
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
    if (++links > MAX_LINKS)
      throw unsafe(`${file} leads through more than ${MAX_LINKS} links. Use a path with fewer links.`);
    const target = readlinkSync(at);
    if (path.isAbsolute(target)) real = '/';
    rest.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
  }
  if (!found.isFile() && !found.isDirectory()) throw unsafe(`${real} is neither a file nor a folder. Move it away.`);
  return real;
}

/** The entry at a path, which only root can change. */
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
      `${at} belongs to uid ${uid}, who could make root run other code. ${ELSEWHERE}, or fix it: chown ${isLink ? '-h ' : ''}root ${at}`,
    );
  // The mode of a link lets everyone write; only the owner of its folder can change it.
  if (!isLink && (mode & WRITABLE_BY_OTHERS) !== 0)
    throw unsafe(
      `others than root can write to ${at} (mode ${(mode & 0o7777).toString(8)}). ` +
        // Such a folder, like /tmp, is everyone's: other programs fail where it is closed.
        ((mode & STICKY) === 0 ? `${ELSEWHERE}, or fix it: chmod go-w ${at}` : `${ELSEWHERE}.`),
    );
  return found;
}

function unsafe(message: string, cause?: unknown): HelperError {
  return new HelperError('HELPER_UNSAFE_FILE', message, { cause });
}
