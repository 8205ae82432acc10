import { readFileSync } from 'node:fs';
import { groupsOf } from '../values/groups.ts';
import { findUser } from '../values/users.ts';

/** The user of the agent in the packages. */
export const AGENT_USER = 'probes-agent';

/** A user, and the groups that he is in. */
export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly groups: readonly number[];
}

/** A user by the system's own lists; undefined when there is none of that name or number. */
export function personOf(nameOrNumber: string | number): Person | undefined {
  const user = findUser(nameOrNumber);
  return user && { name: user.name, uid: user.uid, groups: [user.gid, ...groupsOf(user.name)] };
}

/** The user who runs this command, with the groups that it has now. */
export function caller(): Person | undefined {
  if (process.geteuid === undefined) return undefined;
  const uid = process.geteuid();
  const groups = [process.getegid!(), ...process.getgroups!()];
  return { name: findUser(uid)?.name ?? String(uid), uid, groups };
}

/** A running process, with the groups that it has: those of its start. proc_pid_status(5). */
export function personOfProcess(pid: number): Person | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const numbers = (name: string): number[] =>
      (new RegExp(`^${name}:(.*)$`, 'mu').exec(text)?.[1] ?? '').split(/\s+/u).filter(Boolean).map(Number);
    // Real, effective, saved, file system.
    const [, uid] = numbers('Uid');
    const [, gid] = numbers('Gid');
    if (uid === undefined || gid === undefined) return undefined;
    return { name: findUser(uid)?.name ?? String(uid), uid, groups: [gid, ...numbers('Groups')] };
  } catch {
    return undefined;
  }
}

interface Permissions {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Whether a mode lets somebody in. @param bits of `rwx`, as in a mode: 2 to write, 3 to write and enter */
export function lets({ uid, gid, mode }: Permissions, person: Person, bits: number): boolean {
  if (person.uid === 0) return true;
  const shift = person.uid === uid ? 6 : person.groups.includes(gid) ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}
