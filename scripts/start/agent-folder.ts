import { chownSync, lstatSync, mkdtempSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { isRunning } from '../../installers/tools/process-state.ts';
import { ensureRootFolder } from './staging.ts';

const PREFIX = 'platform-probes-agent-';

/** Whose folder it is: of the user who starts, or of a number without an account. */
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
    // In a folder for all, the folders of other users are none of our business.
    if (!Number.isNaN(pid) && !isRunning(pid) && (isRoot || lstatSync(stale).uid === uid)) removeAgentFolder(stale);
  }
  const folder = mkdtempSync(path.join(parent, `${PREFIX}${starter}-`));
  if (isRoot) chownSync(folder, uid, gid);
  return folder;
}

/** Removes an agent's folder and the files in it. It goes into no other folder, whoever made one there. */
export function removeAgentFolder(folder: string): void {
  for (const name of readdirSync(folder)) unlinkSync(path.join(folder, name));
  rmdirSync(folder);
}
