import { readFileSync } from 'node:fs';
import { HelperError } from '../../errors.ts';

const MAX_ID = 0xffff_fffe;

/** A user by name (from /etc/passwd) or by number, with its primary group. */
export function findUser(nameOrId: string): { uid: number; gid: number } {
  const entry = find('/etc/passwd', nameOrId);
  const uid = numeric(entry?.[2] ?? nameOrId);
  if (uid === undefined)
    throw missing(
      'user',
      '--user',
      nameOrId,
      `useradd --system --no-create-home --shell /usr/sbin/nologin ${nameOrId}`,
    );
  if (uid === 0)
    throw new HelperError(
      'HELPER_NO_ACCOUNT',
      '--user: the helper gives up root, so the user cannot be root. Name another user.',
    );
  return { uid, gid: numeric(entry?.[3] ?? nameOrId) ?? uid };
}

/** A group by name (from /etc/group) or by number. */
export function findGroup(nameOrId: string): number {
  const entry = find('/etc/group', nameOrId);
  const gid = numeric(entry?.[2] ?? nameOrId);
  if (gid === undefined) throw missing('group', '--group', nameOrId, `groupadd --system ${nameOrId}`);
  return gid;
}

function find(file: string, name: string): string[] | undefined {
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const fields = line.split(':');
    if (fields[0] === name && fields.length >= 3) return fields;
  }
  return undefined;
}

function numeric(text: string): number | undefined {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return id <= MAX_ID ? id : undefined;
}

function missing(kind: string, flag: string, name: string, mend: string): HelperError {
  // No account can be named by digits alone.
  const make = /^\d*$/.test(name) ? 'N' : `Make it (${mend}) or n`;
  return new HelperError('HELPER_NO_ACCOUNT', `there is no ${kind} "${name}". ${make}ame another with ${flag}.`);
}
