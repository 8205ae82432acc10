import { lstatSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { groupName } from '../values/groups.ts';
import { reasonOf, systemCode } from '../errors.ts';

/** Why a control socket cannot be used, and the next step, as one sentence. */
export function explainUnreachable(error: unknown, path: string): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return `there is no socket at ${path}; does the agent run, and does its configuration have "control"? Another one can be named with --socket PATH`;
    case 'ECONNREFUSED':
      if (isNoSocket(path)) return `${path} is not a socket`;
      return `nobody listens on ${path}; the agent does not run any more`;
    case 'EACCES':
      return `this user may not use ${path}: ${whoMay(path)}`;
    case 'ENOTSOCK':
      return `${path} is not a socket`;
    case 'EAGAIN':
      return `${path} takes no more connections; the agent is stopped, or hangs`;
    default:
      return `${path}: ${reasonOf(error)}`;
  }
}

/** Whether something else has the path. Linux refuses a connection to it as if it were a socket (unix(7)). */
export function isNoSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() === false;
}

/** The owner and the group that may use a socket which this user may not use. */
function whoMay(path: string): string {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch {
    return `its folder ${dirname(path)} is not open to this user; become root, or a member of that folder's group`;
  }
  const { mode, uid, gid } = stats;
  if ((mode & 0o060) !== 0o060)
    return `only uid ${uid} and root may. Become one of them, or let a group in: control: { group: NAME }`;
  const name = groupName(gid);
  return name === undefined
    ? `only group ${gid} may, and uid ${uid} and root. Join that group, and log in again`
    : `only group ${name} may, and uid ${uid} and root. Join it: usermod -aG ${name} USER, and log in again`;
}
