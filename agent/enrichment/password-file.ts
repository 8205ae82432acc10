import { readFileSync } from 'node:fs';
import { neutralise } from '../terminal-text.ts';

/** Names of the users in /etc/passwd by uid, or of the groups in /etc/group by gid: group(5) has the same first fields. Empty where there is no such file. */
export function readUserNames(file = '/etc/passwd'): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of readLines(file)) {
    const [name, , uid] = line.split(':');
    // The first name of a uid is the one that ls and ps show.
    if (name && uid && /^\d+$/.test(uid) && !names.has(Number(uid))) names.set(Number(uid), neutralise(name));
  }
  return names;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
