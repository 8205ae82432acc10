import { readFileSync } from 'node:fs';
import type { Libc } from '../libc.ts';

const MADV_DONTNEED = 4;

/** A mapping of this process: its address, and its length in bytes. */
interface Mapping {
  readonly at: bigint;
  readonly bytes: bigint;
}

/**
 * This process's mappings of its own program file that have no changed page, according to proc_pid_smaps(5). (The
 * dynamic linker changes some pages before it protects them.) Needs /proc.
 */
export function programMappings(): readonly Mapping[] {
  return readFileSync('/proc/self/smaps', 'latin1')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((mapping) =>
      /^(?:Anonymous|Private_Dirty): +0 kB\n(?:.*\n)*(?:Anonymous|Private_Dirty): +0 kB$/m.test(mapping),
    )
    .map((mapping) => /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +(\S.*)$/m.exec(mapping))
    .filter((match) => match?.[3] === process.execPath)
    .map((match) => ({ at: BigInt(`0x${match?.[1]}`), bytes: BigInt(`0x${match?.[2]}`) - BigInt(`0x${match?.[1]}`) }));
}

/**
 * Releases the program's pages, of which the start needed many more than the loop does. They are unchanged pages of a
 * file, so the page cache brings them back when needed (madvise(2), MADV_DONTNEED).
 */
export function releaseProgram(libc: Libc, mappings: readonly Mapping[]): void {
  for (const { at, bytes } of mappings) libc.madvise(at, bytes, MADV_DONTNEED);
}
