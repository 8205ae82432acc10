import { readBoundedSync } from '../files/read-bounded.ts';
import { neutralise } from '../terminal-text.ts';
import { MAX_NAMES_FILE_BYTES } from './limits.ts';

/** Lines that the C library passes over: comments, and those that take in users of NIS, in files that `compat` once read. */
const NO_USER = /^[#+-]/;

const NUMBER = /^\d+$/;

/**
 * Names of the users in /etc/passwd by uid, or of the groups in /etc/group by gid: group(5) has the same first fields. Those that
 * the C library finds there. Empty where there is no such file, or it has more than MAX_NAMES_FILE_BYTES.
 */
export function readUserNames(file = '/etc/passwd', database: 'passwd' | 'group' = 'passwd'): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of readLines(file)) {
    const [name = '', , id = '', group = ''] = line.trimStart().split(':', 4);
    if (name === '' || NO_USER.test(name) || !NUMBER.test(id)) continue;
    // A user without a group is none.
    if (database === 'passwd' && !NUMBER.test(group)) continue;
    // The first name of a uid is the one that ls and ps show.
    if (!names.has(Number(id))) names.set(Number(id), neutralise(name));
  }
  return names;
}

function readLines(file: string): string[] {
  try {
    return readBoundedSync(file, { maxBytes: MAX_NAMES_FILE_BYTES }).toString('utf8').split('\n');
  } catch {
    return [];
  }
}
