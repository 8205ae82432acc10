import { chownSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { complain, messageOf } from '../../installers/tools/progress.ts';
import { isRunning } from '../../installers/tools/process-state.ts';
import { ensureRootFolder } from './staging.ts';

const PREFIX = 'platform-probes-agent-';

/** The folder's owner: the user who starts, or a number without an account. */
interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes the folder that the agent writes to, closed to all others, and removes those of starts that were killed outright. Root
 * makes it where only root can put another folder in its place.
 */
export function makeAgentFolder(starter: number, { uid, gid }: Owner): string {
  const isRoot = process.getuid?.() === 0;
  const parent = isRoot ? ensureRootFolder() : tmpdir();
  for (const name of readdirSync(parent)) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`, 'u').exec(name)?.[1]);
    const stale = path.join(parent, name);
    if (Number.isNaN(pid) || isRunning(pid)) continue;
    // In a folder for all, the folders of other users are none of our business.
    if (isRoot || lstatSync(stale, { throwIfNoEntry: false })?.uid === uid) removeStale(stale);
  }
  const folder = mkdtempSync(path.join(parent, `${PREFIX}${starter}-`));
  if (isRoot) chownSync(folder, uid, gid);
  return folder;
}

/** Removes an agent's folder and the files in it. It goes into no other folder, whoever made one there. */
export function removeAgentFolder(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { force: true });
  rmdirSync(folder);
}

/** A file that cannot be removed, such as a folder that somebody made in there, is no reason not to start. */
function removeStale(folder: string): void {
  try {
    removeAgentFolder(folder);
  } catch (error) {
    complain(`${folder} is left from an earlier start and cannot be removed: ${messageOf(error)}`);
  }
}
