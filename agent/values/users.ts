import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** As useradd(8) allows them, with the domain that sssd appends. A name cannot be taken for an option. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,255}\$?$/u;

/** How long the system may take to find a user, in milliseconds. */
const LOOKUP_MS = 5000;

/** A user as passwd(5) has him. */
interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The number of a user by name, or the number itself as text.
 * @throws {Error} when there is no such user
 */
export function userId(nameOrNumber: string): number {
  if (/^\d{1,10}$/.test(nameOrNumber)) return Number(nameOrNumber);
  const user = findUser(nameOrNumber);
  if (user !== undefined) return user.uid;
  throw new Error(`there is no user "${nameOrNumber}" on this machine; give the number, if the user is gone`);
}

/** A user by name or number: from /etc/passwd, otherwise from the system's other sources (LDAP, sssd). */
export function findUser(nameOrNumber: string | number): User | undefined {
  return find(nameOrNumber, passwordFile()) ?? find(nameOrNumber, askSystem(String(nameOrNumber)));
}

function find(nameOrNumber: string | number, text: string): User | undefined {
  for (const line of text.split('\n')) {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) continue;
    if (typeof nameOrNumber === 'number' ? Number(uid) === nameOrNumber : name === nameOrNumber)
      return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function passwordFile(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}

/** macOS has no getent; there, names of directories are not found. */
function askSystem(nameOrNumber: string): string {
  if (!NAME.test(nameOrNumber)) return '';
  const { status, stdout } = spawnSync('/usr/bin/getent', ['passwd', nameOrNumber], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: LOOKUP_MS,
    maxBuffer: 65_536,
  });
  return status === 0 ? stdout : '';
}
