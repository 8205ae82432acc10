import { readFileSync } from 'node:fs';

/**
 * The number of a group by its name in /etc/group (group(5)), or the number itself.
 * @throws {Error} when there is no such group
 */
export function groupId(nameOrNumber: string | number, file = '/etc/group'): number {
  if (typeof nameOrNumber === 'number') return nameOrNumber;
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const [name, , id] = line.split(':');
    if (name === nameOrNumber && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new Error(`${file} has no group "${nameOrNumber}"; make it, or give its number`);
}
