import { readFileSync } from 'node:fs';

/**
 * The number of a group by its name in /etc/group (group(5)), or the number itself.
 * @throws {Error} when there is no such group
 */
export function groupId(nameOrNumber: string | number, file = '/etc/group'): number {
  if (typeof nameOrNumber === 'number') return nameOrNumber;
  const found = groupsIn(file).find(({ name }) => name === nameOrNumber);
  if (found !== undefined) return found.gid;
  throw new Error(`${file} has no group "${nameOrNumber}"; make it, or give its number`);
}

/** A line of /etc/group. */
interface Group {
  readonly name: string;
  readonly gid: number;
  /** Users by name who are in it besides those whose own group it is. */
  readonly members: readonly string[];
}

/** The name of a group; undefined where it has none in /etc/group. */
export function groupName(gid: number, file = '/etc/group'): string | undefined {
  try {
    return groupsIn(file).find((group) => group.gid === gid)?.name;
  } catch {
    return undefined;
  }
}

/** The groups of a user by /etc/group, his own aside. Empty where there is no such file. */
export function groupsOf(user: string, file = '/etc/group'): number[] {
  try {
    return groupsIn(file).flatMap(({ gid, members }) => (members.includes(user) ? [gid] : []));
  } catch {
    return [];
  }
}

function groupsIn(file: string): Group[] {
  return readFileSync(file, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [name = '', , id = '', members = ''] = line.split(':');
      return /^\d+$/.test(id) ? [{ name, gid: Number(id), members: members.split(',') }] : [];
    });
}
