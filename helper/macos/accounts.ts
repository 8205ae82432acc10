import { HelperError } from '../errors.ts';

const MAX_ID = 0xffff_fffe;

/**
 * A user by name or number, as number. The directory of macOS is not a file. Node.js queries it when it changes to a
 * user by name, so this process becomes that user for a moment.
 * @throws {HelperError} HELPER_NO_ACCOUNT
 */
export function findUserId(nameOrId: string): number {
  const uid = numeric(nameOrId) ?? resolve(nameOrId, 'user', '--user', process.seteuid, process.geteuid);
  if (uid === 0)
    throw new HelperError(
      'HELPER_NO_ACCOUNT',
      '--user: the forwarding process runs without root, so the user cannot be root. Name another user.',
    );
  return uid;
}

/** The same for a group. @throws {HelperError} HELPER_NO_ACCOUNT */
export function findGroupId(nameOrId: string): number {
  return numeric(nameOrId) ?? resolve(nameOrId, 'group', '--group', process.setegid, process.getegid);
}

function resolve(
  name: string,
  kind: string,
  flag: string,
  become: ((id: string | number) => void) | undefined,
  current: (() => number) | undefined,
): number {
  const before = current?.() ?? 0;
  try {
    become?.(name);
  } catch (cause) {
    throw new HelperError(
      'HELPER_NO_ACCOUNT',
      `there is no ${kind} "${name}". The package makes it; name another with ${flag}, or make it with sysadminctl or dscl.`,
      { cause },
    );
  }
  const id = current?.() ?? 0;
  become?.(before);
  return id;
}

function numeric(text: string): number | undefined {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return id <= MAX_ID ? id : undefined;
}
