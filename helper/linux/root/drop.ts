import { HelperError } from '../../errors.ts';
import type { Libc } from '../libc.ts';

/** prctl(2) options. */
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
/** _LINUX_CAPABILITY_VERSION_3 of capset(2); two 32-bit words for each of three sets. */
const CAPABILITY_VERSION = 0x20080522;
const CAPABILITY_WORDS = 6;
const CAPABILITIES = 64;

/**
 * Gives up every privilege of the calling thread. The other threads keep theirs, since capabilities belong to threads;
 * they end with the execve that has to follow (see handoff.ts).
 * @throws {HelperError} HELPER_PRIVILEGE
 */
export function dropPrivileges(libc: Libc, uid: number, gid: number): void {
  const check = (call: string, result: number): void => {
    if (result !== 0) throw new HelperError('HELPER_PRIVILEGE', libc.failure(call).message);
  };
  // The bounding set first: emptying it needs a capability that is dropped below. EINVAL ends the list of this kernel.
  for (let capability = 0; capability < CAPABILITIES; capability++) {
    if (libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) !== 0) {
      if (libc.failure('prctl').code === 'EINVAL') break;
      throw new HelperError(
        'HELPER_PRIVILEGE',
        `${libc.failure('prctl(PR_CAPBSET_DROP)').message}. Giving up capabilities for good takes CAP_SETPCAP; a container or service may lack it.`,
      );
    }
  }
  check('prctl(PR_CAP_AMBIENT_CLEAR_ALL)', libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  changeIds(uid, gid);
  check('capset', libc.capset(new Uint32Array([CAPABILITY_VERSION, 0]), new Uint32Array(CAPABILITY_WORDS)));
  check('prctl(PR_SET_NO_NEW_PRIVS)', libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

function changeIds(uid: number, gid: number): void {
  const steps: ReadonlyArray<[call: string, capability: string, change: () => void]> = [
    ['setgroups', 'CAP_SETGID', () => process.setgroups?.([])],
    ['setgid', 'CAP_SETGID', () => process.setgid?.(gid)],
    ['setuid', 'CAP_SETUID', () => process.setuid?.(uid)],
  ];
  for (const [call, capability, change] of steps) {
    try {
      change();
    } catch (cause) {
      throw new HelperError(
        'HELPER_PRIVILEGE',
        `${call}: ${(cause as NodeJS.ErrnoException).code}. Becoming uid ${uid} and gid ${gid} takes ${capability}; a container or service may lack it.`,
        { cause },
      );
    }
  }
}
