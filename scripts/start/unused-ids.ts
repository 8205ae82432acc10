import { spawnSync } from 'node:child_process';

/** Outside the ranges that distributions give to accounts and systemd to homes (to 60577) and services (from 61184). */
const FIRST = 60800;
const LAST = 61183;

/**
 * Numbers that belong to no user and no group. A process with such an id owns no file, and no account can signal it.
 */
export function unusedIds(count: number): number[] {
  const ids: number[] = [];
  for (let id = FIRST; id <= LAST && ids.length < count; id++) {
    if (isUnused('passwd', id) && isUnused('group', id)) ids.push(id);
  }
  if (ids.length < count) throw new Error(`every user id from ${FIRST} to ${LAST} belongs to an account`);
  return ids;
}

/** Asks through getent, which knows directories such as LDAP beside the files in /etc. */
function isUnused(database: 'passwd' | 'group', id: number): boolean {
  const run = spawnSync('getent', [database, String(id)], { stdio: 'ignore' });
  if (run.error) throw new Error(`cannot ask for unused user ids: getent: ${run.error.message}`);
  // getent(1): the key was not found.
  return run.status === 2;
}
