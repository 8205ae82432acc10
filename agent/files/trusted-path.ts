import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
/** As many links as the kernel follows: path_resolution(7). */
const MAX_LINKS = 40;
const ROOT = 0;

/** An untrusted user could put something else at a path. The message names the place and the user or mode. */
export class UntrustedPathError extends Error {
  override readonly name = 'UntrustedPathError';
}

/** A file or folder, and its path without links. */
export interface TrustedEntry {
  readonly path: string;
  readonly stats: Stats;
}

/**
 * Follows a path, and makes sure that only root and `owners` can change where it leads.
 *
 * The walk begins at `/` and looks at one name after the other. Every name is in a folder that was looked at before,
 * where nobody else can rename it or put another in its place. So the findings stay true, and opening the returned path
 * opens what was checked. A link of an untrusted owner is refused wherever it leads, because that owner can turn it at
 * any moment. The last name is not followed.
 *
 * Checks owner and mode only, not access lists that a mode does not show (macOS).
 * @param owners user ids that may own the last name and its folder; above them, root may, too
 * @throws {UntrustedPathError} naming the first place that fails; the system's error when something is missing
 */
export function trustedPath(file: string, owners: readonly number[]): TrustedEntry {
  if (!isAbsolute(file) || file.includes('\0'))
    throw new UntrustedPathError(`${JSON.stringify(file)} is not an absolute path`);
  const above = [ROOT, ...owners];
  const rest = namesOf(file);
  let at: TrustedEntry = { path: '/', stats: lstatSync('/') };
  for (let links = 0; ;) {
    const name = rest.shift();
    if (name === undefined) return at;
    requireFolder(at, rest.length === 0 ? owners : above, rest.length === 0);
    if (name === '..') {
      at = entry(dirname(at.path));
      continue;
    }
    const next = entry(join(at.path, name));
    if (rest.length === 0) {
      requireOwner(next, owners);
      return next;
    }
    if (!next.stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    requireOwner(next, above);
    if (++links > MAX_LINKS) throw new UntrustedPathError(`${file} leads through more than ${MAX_LINKS} links`);
    const target = readlinkSync(next.path);
    rest.unshift(...namesOf(target));
    if (isAbsolute(target)) at = entry('/');
  }
}

const entry = (path: string): TrustedEntry => ({ path, stats: lstatSync(path) });

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** In the last folder nobody else may make files; above it, it is enough that nobody else can rename (sticky). */
function requireFolder({ path, stats }: TrustedEntry, owners: readonly number[], isLast: boolean): void {
  requireOwner({ path, stats }, owners);
  if (!isWritableByOthers(stats) || (!isLast && (stats.mode & STICKY) !== 0)) return;
  throw new UntrustedPathError(
    `${path} has mode ${octal(stats.mode)}: ${isLast ? 'others than its owner can write to it' : 'others could replace what lies in it'}`,
  );
}

function requireOwner({ path, stats }: TrustedEntry, owners: readonly number[]): void {
  if (owners.includes(stats.uid)) return;
  const expected = [...new Set(owners)].map((uid) => `uid ${uid}`).join(' or ');
  throw new UntrustedPathError(`${path} belongs to uid ${stats.uid}, not to ${expected}`);
}

/** A file's permissions as chmod writes them. */
function octal(mode: number): string {
  return `0${(mode & 0o7777).toString(8)}`;
}

/** Whether the group or others may write to a file. */
export const isWritableByOthers = ({ mode }: Stats): boolean => (mode & WRITABLE_BY_OTHERS) !== 0;
