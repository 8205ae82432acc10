import { readFileSync } from 'node:fs';
import { HelperError } from '../../errors.ts';
import { MAX_CLIENTS, MORE_MEMORY_BYTES } from '../../limits.ts';
import type { Libc } from '../libc.ts';

/** prlimit64(2), by architecture. */
export const PRLIMIT: Readonly<Record<string, number>> = { x64: 302, arm64: 261 };
/** Resources of setrlimit(2). */
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const RLIMIT_AS = 9;
/** One for a client that is refused, one for a file that is read at start, and two in reserve. */
const SPARE_DESCRIPTORS = 4;

/**
 * Permanently limits the resources of this process: descriptors only for its clients, MORE_MEMORY_BYTES of memory in
 * addition to the mapped memory, and no core file, which would contain command lines.
 * @param open the highest open descriptor
 * @throws {HelperError} HELPER_PRIVILEGE when the kernel refuses
 */
export function restrictResources(libc: Libc, open: number): void {
  const call = PRLIMIT[process.arch];
  if (call === undefined) return;
  const mapped = Number(/^VmSize:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024;
  const limits = [
    [RLIMIT_NOFILE, open + 1 + MAX_CLIENTS + SPARE_DESCRIPTORS],
    [RLIMIT_AS, mapped + MORE_MEMORY_BYTES],
    [RLIMIT_CORE, 0],
  ] as const;
  for (const [resource, most] of limits) {
    const limit = Buffer.alloc(16); // struct rlimit64: the limit, and its upper bound
    limit.writeBigUInt64LE(BigInt(most), 0);
    limit.writeBigUInt64LE(BigInt(most), 8);
    if (Number(libc.syscall(call, 0, resource, libc.address(limit), 0)) !== 0)
      throw new HelperError('HELPER_PRIVILEGE', `the kernel refused a limit: ${libc.failure('prlimit64').message}`);
  }
}
