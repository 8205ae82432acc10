import { closeSync, constants, lstatSync, mkdirSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { HelperError } from '../../errors.ts';
import type { Libc } from '../libc.ts';
import { LAYOUT } from '../layout.ts';
import { say } from '../../say.ts';

const BPFFS = '/sys/fs/bpf';
const LOCK_EX_NB = 2 | 4;
const STICKY = 0o1000;

/** The name of a link's pin consists of its program, its probe object and the moment at which it was attached. */
const LINK = /^link-(?<program>[a-z_]+)-(?<object>[0-9a-f]{12})-(?<moment>[0-9a-f]+)$/;

export interface LinkPin {
  readonly file: string;
  readonly program: string;
  /** The first 12 digits of the object's SHA-256. */
  readonly object: string;
}

/** Maps that a successor of any build continues to use, if the layout is the same. */
export const LASTING_MAPS = ['ring', 'counters', 'backlog', 'last_events', 'reported_processes', 'attempts'];

/** The name of a map's pin, of this layout or another, which can have had other maps. */
const MAP = /^[a-z_]+-\d+$/;

/**
 * The folder of the BPF file system that keeps programs and maps in the kernel while no helper runs. It is named after
 * the socket's folder. Helpers whose folders have the same name share it, and its lock lets only one use it.
 * @param socket its path without links
 */
export function pinFolder(socket: string): string {
  // Never the file system itself, where other programs have their pins.
  const name = path.basename(path.dirname(socket)) || '_';
  return path.join(BPFFS, name.replaceAll('.', '_'));
}

/**
 * Makes the folder for root only and takes its lock.
 * @returns the lock's descriptor, to be kept open while the pins are used
 * @throws {HelperError}
 */
export function claimPins(libc: Libc, folder: string): number {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST')
      throw new HelperError(
        'HELPER_NO_BPFFS',
        `cannot make ${folder}: ${code}. Mount the BPF file system: mount -t bpf -o mode=700 bpf ${BPFFS}. Or start with --no-pin.`,
        { cause },
      );
  }
  const problem = whyNotOwn(folder);
  if (problem !== undefined) throw new HelperError('HELPER_UNSAFE_FILE', problem);
  const lock = lockOf(libc, folder);
  if (lock !== undefined) return lock;
  throw new HelperError(
    'HELPER_SOCKET_IN_USE',
    `another helper uses ${folder}. Stop it, or put this helper's socket into a folder with another name.`,
  );
}

/** The folder's lock, which ends with its descriptor; undefined if another helper holds it. */
function lockOf(libc: Libc, folder: string): number | undefined {
  const lock = openSync(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  if (libc.flock(lock, LOCK_EX_NB) === 0) return lock;
  closeSync(lock);
  return undefined;
}

/**
 * The reason why the folder of the pins is unsafe: others than root can use or replace it. Undefined if it is safe. The
 * BPF file system may be open to everyone (mount(8) makes it so by default), so anyone could have made the folder
 * before us, or a link to a folder of another file system.
 */
function whyNotOwn(folder: string): string | undefined {
  const found = lstatSync(folder);
  const above = lstatSync(path.dirname(folder));
  const isOwn = found.isDirectory() && found.uid === 0 && (found.mode & 0o77) === 0;
  if (!isOwn)
    return `${folder} does not belong to root alone (uid ${found.uid}, mode ${(found.mode & 0o7777).toString(8)}). Check what it is, then remove it.`;
  if (above.uid !== 0 || ((above.mode & 0o022) !== 0 && (above.mode & STICKY) === 0))
    return `others than root can replace ${folder}. Fix it: chmod go-w ${path.dirname(folder)}`;
  return undefined;
}

/** The pinned links, oldest first. */
export function linkPins(folder: string): LinkPin[] {
  return readdirSync(folder)
    .map((file) => ({ file, groups: LINK.exec(file)?.groups }))
    .filter(({ groups }) => groups !== undefined)
    .sort((a, b) => Number.parseInt(a.groups?.['moment'] ?? '', 16) - Number.parseInt(b.groups?.['moment'] ?? '', 16))
    .map(({ file, groups }) => ({
      file: path.join(folder, file),
      program: groups?.['program'] ?? '',
      object: groups?.['object'] ?? '',
    }));
}

/** The name of a map's pin, with the layout of its contents: a helper of another layout must not read it. */
export function mapPin(map: string): string {
  return `${map}-${LAYOUT}`;
}

/** Removes maps of another layout. True if there were any: the records left in their ring are lost, uncounted. */
export function removeOtherLayouts(folder: string): boolean {
  const others = pinsIn(folder).filter((file) => !LINK.test(file) && !file.endsWith(`-${LAYOUT}`));
  for (const file of others) unlinkSync(path.join(folder, file));
  return others.length > 0;
}

/** The path at which to pin a link that was just attached. */
export function linkPinPath(folder: string, program: string, object: string): string {
  return path.join(folder, `link-${program}-${object}-${process.hrtime.bigint().toString(16)}`);
}

/**
 * Removes all pins of a helper from the folder; objects that no process holds end with them. Leaves a folder alone that
 * is not only root's (it may be a link to a folder full of other files) or that another helper uses, and in any folder
 * the files of other programs, which can have chosen the same name. Says what it left.
 */
export function removePins(libc: Libc, folder: string): void {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return; // no folder, no pins
  const problem = whyNotOwn(folder);
  if (problem !== undefined) return say(`not looking for pins: ${problem}`);
  const lock = lockOf(libc, folder);
  if (lock === undefined)
    return say(`the pins in ${folder} stay: another helper uses them. Its socket's folder has the same name.`);
  for (const file of pinsIn(folder)) unlinkSync(path.join(folder, file));
  closeSync(lock);
  const others = readdirSync(folder).length;
  if (others > 0) say(`${others} entries of ${folder} stay: they are not pins of a helper`);
}

/** The names of the folder's entries that can be pins of a helper. */
function pinsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && (LINK.test(entry.name) || MAP.test(entry.name)))
    .map(({ name }) => name);
}

/** Returns the result of `work`. If it fails, removes only the pins that it made in `folder`. */
export function unpinOnFailure<T>(folder: string | undefined, work: () => T): T {
  if (folder === undefined) return work();
  const before = new Set(readdirSync(folder));
  try {
    return work();
  } catch (error) {
    for (const name of readdirSync(folder)) if (!before.has(name)) unlinkSync(path.join(folder, name));
    throw error;
  }
}
