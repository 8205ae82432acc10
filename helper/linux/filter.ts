import { HelperError } from '../errors.ts';
import type { Libc } from './libc.ts';

/** One struct sock_filter of linux/filter.h. */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** linux/filter.h and linux/bpf_common.h. */
export const LOAD = 0x20;
export const JUMP_EQUAL = 0x15;
export const RETURN = 0x06;

/** linux/seccomp.h. */
export const RET_ERRNO = 0x00050000;
export const RET_ALLOW = 0x7fff0000;
const SET_MODE_FILTER = 1;

/** Offset of the system call's number in struct seccomp_data. */
export const NUMBER = 0;

/** seccomp(2), by architecture. */
export const SECCOMP: Readonly<Record<string, number>> = { x64: 317, arm64: 277 };

/**
 * Installs a system call filter, permanently, for this thread and its image after execve. Needs no_new_privs. Does
 * nothing on processors except x86-64 and arm64.
 * @param flags of seccomp(2)
 * @throws {HelperError} HELPER_PRIVILEGE when the kernel refuses
 */
export function installFilter(libc: Libc, code: readonly Instruction[], flags: number): void {
  const seccomp = SECCOMP[process.arch];
  if (seccomp === undefined) return;
  const filter = Buffer.alloc(8 * code.length);
  code.forEach(([operation, ifTrue, ifFalse, value], i) => {
    filter.writeUInt16LE(operation, 8 * i);
    filter.writeUInt8(ifTrue, 8 * i + 2);
    filter.writeUInt8(ifFalse, 8 * i + 3);
    filter.writeUInt32LE(value >>> 0, 8 * i + 4);
  });
  const program = Buffer.alloc(16); // struct sock_fprog
  program.writeUInt16LE(code.length);
  program.writeBigUInt64LE(libc.address(filter), 8);
  if (Number(libc.syscall(seccomp, SET_MODE_FILTER, flags, libc.address(program), 0)) !== 0)
    throw new HelperError('HELPER_PRIVILEGE', `the system call filter was refused: ${libc.failure('seccomp').message}`);
}
