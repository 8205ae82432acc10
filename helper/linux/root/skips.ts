import { COUNTERS, COUNTERS_BYTES } from '../layout.ts';
import { readFdinfo } from '../fdinfo.ts';
import type { Libbpf } from './libbpf.ts';
import { isFurther } from '../programs.ts';

/**
 * Two counts of events at which the kernel skipped the first program of a tracepoint (bpf/preemption.h), as they stood
 * when the probe began to tell events alone. Those before are not missing: another build of it told them.
 */
export interface SkipBaseline {
  /** By the kernel, of the programs that are loaded. */
  readonly skipped: number;
  /** By the probe, since its maps were made: told by a further program all the same. */
  readonly recovered: number;
}

/** Runs of the first programs that the kernel skipped since they were loaded. Kernels before 5.12 tell none, and skip none. */
export function skippedRuns(programs: Readonly<Record<string, number>>): number {
  return Object.entries(programs)
    .filter(([name]) => !isFurther(name))
    .reduce((sum, [, fd]) => sum + Number(readFdinfo(fd).get('recursion_misses') ?? 0), 0);
}

/** Sum over all counters of this map. */
export function recoveredEvents(bpf: Libbpf, counters: number): number {
  const [key, value] = [Buffer.alloc(4), Buffer.alloc(COUNTERS_BYTES)];
  let sum = 0;
  for (let counter = 0; ; counter++) {
    key.writeUInt32LE(counter);
    if (bpf.lookup(counters, key, value) < 0) return sum;
    sum += Number(value.readBigUInt64LE(COUNTERS.recovered));
  }
}
