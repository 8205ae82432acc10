/** Part of a process's address space: its start, and its length in bytes. */
export interface Mapping {
  readonly at: bigint;
  readonly bytes: bigint;
}

/** The function of the C library, which the caller's FFI library provides. */
interface Libc {
  madvise(at: bigint, bytes: bigint, advice: number): unknown;
}

const MADV_DONTNEED = 4;

/**
 * The mappings of a program's own file that nobody can write and that have no changed page, in memory or in swap. (The
 * dynamic linker changes some pages before it protects them.) Pages that were changed before they came into the file, and
 * are not on the disk yet, count as dirty there, and as unchanged here.
 * @param smaps text of /proc/self/smaps, proc_pid_smaps(5)
 * @param program the file that the process runs, without links
 */
export function unchangedMappings(smaps: string, program: string): readonly Mapping[] {
  return smaps
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((mapping) => ['Anonymous', 'Swap'].every((name) => new RegExp(`^${name}: +0 kB$`, 'm').test(mapping)))
    .map((mapping) => /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +(\S.*)$/m.exec(mapping))
    .filter((match) => match?.[3] === program)
    .map((match) => ({ at: BigInt(`0x${match?.[1]}`), bytes: BigInt(`0x${match?.[2]}`) - BigInt(`0x${match?.[1]}`) }));
}

/**
 * Releases pages of a program, of which the start needs many more than the work after it. They are unchanged pages of a
 * file, so the page cache brings back what is needed (madvise(2), MADV_DONTNEED).
 * @param mappings of `unchangedMappings`
 */
export function releaseMappings(libc: Libc, mappings: readonly Mapping[]): void {
  for (const { at, bytes } of mappings) libc.madvise(at, bytes, MADV_DONTNEED);
}
