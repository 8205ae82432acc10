import { WindowsError, type Windows } from '../functions.ts';

const SDDL_REVISION = 1;
/** OWNER, GROUP and DACL_SECURITY_INFORMATION. */
const PARTS = 1 | 2 | 4;
const SE_KERNEL_OBJECT = 6;

/** Accounts that may always read, in addition to the group: the system and its administrators. */
export const ALWAYS_ALLOWED = ['S-1-5-18', 'S-1-5-32-544'] as const;

/**
 * The access list of the pipe, in SDDL. FA means all rights, for those who may serve the pipe. 0x120189 has the rights
 * that reading needs and no others: no writing (0x2), no second instance (0x4). P: nothing is inherited.
 * @param group SID of the group that may read, in addition to SYSTEM and administrators
 */
export const pipeSddl = (group: string): string => `D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x120189;;;${group})`;

/**
 * SECURITY_ATTRIBUTES of a pipe. The caller must keep both buffers while the pipe is used; the descriptor is never
 * freed. @throws {WindowsError}
 */
export function securityAttributes(windows: Windows, sddl: string): Buffer {
  const descriptor: bigint[] = [0n];
  if (windows.ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION, descriptor, null) !== true) {
    throw windows.failure('ConvertStringSecurityDescriptorToSecurityDescriptor');
  }
  const attributes = Buffer.alloc(24);
  attributes.writeUInt32LE(attributes.length, 0);
  attributes.writeBigUInt64LE(BigInt(descriptor[0] ?? 0), 8);
  return attributes;
}

/** Owner, group and access list of an open pipe, as Windows reports them. @throws {WindowsError} */
export function readSddl(windows: Windows, handle: number | bigint): string {
  const descriptor: bigint[] = [0n];
  const status = windows.GetSecurityInfo(handle, SE_KERNEL_OBJECT, PARTS, null, null, null, null, descriptor) as number;
  if (status !== 0) throw new WindowsError('GetSecurityInfo', status);
  return sddlOf(windows, descriptor[0] ?? 0n);
}

/** The text of a security descriptor, which this frees. @throws {WindowsError} */
export function sddlOf(windows: Windows, descriptor: bigint): string {
  const text: bigint[] = [0n];
  const characters = [0];
  const converted =
    windows.ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION, PARTS, text, characters) ===
    true;
  windows.LocalFree(descriptor);
  if (!converted) throw windows.failure('ConvertSecurityDescriptorToStringSecurityDescriptor');
  const sddl = Buffer.from(windows.koffi.view(text[0] as bigint, 2 * (characters[0] as number))).toString('utf16le');
  windows.LocalFree(text[0]);
  return sddl.replace(/\0+$/, '');
}
