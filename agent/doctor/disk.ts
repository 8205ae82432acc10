import { lstatSync, readdirSync, statfsSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { reasonOf, systemCode } from '../errors.ts';
import { formatBytes } from '../view/quantities.ts';
import { findingsOf, type Finding } from './finding.ts';
import { lets, type Person } from './people.ts';

/** With less free than this, the next burst of events fills the disk. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

/** Write and enter. */
const CHANGE = 3;

/** Something that the agent keeps on disk. */
interface Kept {
  readonly name: string;
  /** The folder that its files are in. */
  readonly folder: string;
  /** The most bytes that it can take, and those that it takes now. */
  readonly most: number;
  readonly taken: number;
  /** A file that must be one if it is there. */
  readonly file?: string;
  /** Whether the agent makes the folder itself. */
  readonly isMade?: boolean;
}

interface Files {
  readonly path: string;
  readonly max_bytes: number;
  readonly max_files: number;
}

/** Files, dead letters and spool: whether the agent can write them, and whether they fit. @param agent whose permissions count */
export function checkDisk({ outputs, spool }: Config, agent: Person | undefined): Finding[] {
  const kept = outputs.flatMap((output) => [
    ...(output.type === 'file' ? [files(`output ${output.name}`, output)] : []),
    ...('dead_letter' in output && output.dead_letter !== undefined
      ? [files(`dead letters of ${output.name}`, output.dead_letter)]
      : []),
  ]);
  if (spool !== undefined)
    kept.push({
      name: 'spool',
      folder: spool.folder,
      most: spool.max_bytes + spool.reserve,
      taken: sizeOf(spool.folder, () => true),
      isMade: true,
    });
  const { ok } = findingsOf('disk');
  if (kept.length === 0) return [ok('nothing is kept on disk')];
  return kept.map((place) => checkPlace(place, agent));
}

function files(name: string, { path, max_bytes: maxBytes, max_files: maxFiles }: Files): Kept {
  const own = basename(path);
  const isOwn = (file: string): boolean =>
    file === own || (file.startsWith(`${own}.`) && /^\d+$/u.test(file.slice(own.length + 1)));
  return { name, folder: dirname(path), file: path, most: maxBytes * maxFiles, taken: sizeOf(dirname(path), isOwn) };
}

function checkPlace({ name, folder, file, most, taken, isMade = false }: Kept, agent: Person | undefined): Finding {
  const { ok, warning, problem, skipped } = findingsOf('disk');
  try {
    const found = folderOf(folder, isMade);
    if (!found.stats.isDirectory()) return problem(`${name}: ${found.path} is not a folder`, 'name a path in a folder');
    if (agent !== undefined && !lets(found.stats, agent, CHANGE))
      return problem(
        `${name}: the agent's user, ${agent.name}, may not write in ${found.path}`,
        `chown ${agent.name} ${found.path}, or choose another folder`,
      );
    const wrong = file === undefined ? undefined : whyNoFile(file, agent);
    if (wrong !== undefined) return problem(`${name}: ${wrong}`);
    const { bavail, bsize } = statfsSync(found.path);
    const free = bavail * bsize;
    const says = `${name}: ${formatBytes(taken)} of at most ${formatBytes(most)}, ${formatBytes(free)} free in ${found.path}`;
    if (free < LEAST_FREE_BYTES) return problem(says, 'free some: what does not fit is lost, or waits');
    return most - taken > free
      ? warning(`${says}: it would not fit`, 'lower max_bytes or max_files, or give it more room')
      : ok(says);
  } catch (error) {
    switch (systemCode(error)) {
      case 'ENOENT':
        return problem(`${name}: ${folder} does not exist`, "make it, writable for the agent's user");
      case 'EACCES':
        return skipped(`${name}: ${folder} is not open to this user; run this as root, or as the agent`);
      default:
        return problem(`${name}: ${folder}: ${reasonOf(error)}`);
    }
  }
}

/** The folder, or the one above when the agent will make it. */
function folderOf(folder: string, isMade: boolean): { path: string; stats: Stats } {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats !== undefined) return { path: folder, stats };
  const above = isMade ? dirname(folder) : folder;
  return { path: above, stats: statSync(above) };
}

/** As the output finds it when it opens the file. */
function whyNoFile(file: string, agent: Person | undefined): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isFile())
    return `${file} is ${stats.isSymbolicLink() ? 'a symbolic link' : 'no regular file'}; name a file itself`;
  if (agent !== undefined && stats.uid !== agent.uid)
    return `${file} belongs to another user than ${agent.name}; remove it, or give it to that user`;
  return undefined;
}

/** Bytes of the files of a folder that are meant; 0 where it cannot be read. */
function sizeOf(folder: string, isMeant: (name: string) => boolean): number {
  try {
    return readdirSync(folder)
      .filter(isMeant)
      .reduce((sum, name) => sum + (lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
  } catch {
    return 0;
  }
}
