import { lstatSync } from 'node:fs';
import path from 'node:path';
import { HelperError } from '../errors.ts';
import { WindowsError, type Windows } from './functions.ts';
import { sddlOf } from './pipe/security.ts';
import { REPLACE, whoCan, WRITE } from './sddl.ts';

const SE_FILE_OBJECT = 1;
/** OWNER and DACL_SECURITY_INFORMATION. */
const PARTS = 1 | 4;

/**
 * Checks that only the system and its administrators can have changed a file, or replaced it in its folder. Refuses
 * links and junctions.
 * @param trusted SIDs that may write in addition; empty except in tests
 * @throws {HelperError} HELPER_UNSAFE_FILE, naming the file and who can write to it
 */
export function requireTrustedFile(windows: Windows, file: string, trusted: readonly string[]): void {
  const folder = path.dirname(file);
  refuse(windows, file, WRITE, trusted);
  refuse(windows, folder, WRITE, trusted);
  for (let above = path.dirname(folder); above !== path.dirname(above); above = path.dirname(above))
    refuse(windows, above, REPLACE, trusted);
}

function refuse(windows: Windows, place: string, rights: number, trusted: readonly string[]): void {
  // The target of a link lies in other folders, which nobody has checked.
  if (lstatSync(place).isSymbolicLink())
    throw new HelperError('HELPER_UNSAFE_FILE', `${place} is a link. Install the helper at a path without links.`);
  const others = whoCan(rights, fileSddl(windows, place)).filter((sid) => !trusted.includes(sid));
  if (others.length === 0) return;
  throw new HelperError(
    'HELPER_UNSAFE_FILE',
    `${others.join(', ')} can change ${place}. Only SYSTEM and administrators may: icacls "${place}" shows the rights.`,
  );
}

/** Owner and access list of a file. @throws {WindowsError} */
function fileSddl(windows: Windows, file: string): string {
  const descriptor: bigint[] = [0n];
  const status = windows.GetNamedSecurityInfoW(
    file,
    SE_FILE_OBJECT,
    PARTS,
    null,
    null,
    null,
    null,
    descriptor,
  ) as number;
  if (status !== 0) throw new WindowsError(`GetNamedSecurityInfo of ${file}`, status);
  return sddlOf(windows, descriptor[0] ?? 0n);
}
