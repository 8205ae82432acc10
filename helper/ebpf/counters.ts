import { openSync, readSync } from 'node:fs';
import type { KernelCount } from '../event-source.ts';
import type { Libc } from '../ffi/libc.ts';
import { parseFdinfo } from './fdinfo.ts';
import { COUNTERS, COUNTERS_BYTES, KINDS } from './record.ts';

const WORDS = COUNTERS_BYTES / 8;

const FDINFO_BYTES = 4096;

/**
 * Runs of a program that the kernel skipped, because it was running on that
 * processor already (possible where tracepoints can be preempted). The probe
 * cannot count these itself. Kernels before 5.12 do not tell, and do not preempt.
 */
export class SkippedRuns {
  readonly #files: readonly number[];

  /** Opens what the kernel tells of these programs, to be read as long as the process lives. */
  constructor(programs: readonly number[]) {
    this.#files = programs.map((fd) => openSync(`/proc/self/fdinfo/${fd}`, 'r'));
  }

  total(): number {
    const buffer = Buffer.alloc(FDINFO_BYTES);
    return this.#files.reduce((sum, file) => {
      const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
      return sum + Number(parseFdinfo(text).get('recursion_misses') ?? 0);
    }, 0);
  }
}

/** The kernel's own counts, in a page that it shows us. Reading them takes no privilege and no system call. */
export class KernelCounters {
  readonly #values: BigUint64Array;

  constructor(libc: Libc, fd: number, cpus: number) {
    const bytes = cpus * KINDS * COUNTERS_BYTES;
    const page = libc.getpagesize();
    this.#values = new BigUint64Array(libc.map(fd, Math.ceil(bytes / page) * page, 0, false), 0, bytes / 8);
  }

  /** Counters there are: processors times kinds. */
  get size(): number {
    return this.#values.length / WORDS;
  }

  /** Events of one counter that the ring had no room for. */
  lost(counter: number): number {
    return this.#read(counter, COUNTERS.lost);
  }

  /** What every counter says now. */
  all(): KernelCount[] {
    return Array.from({ length: this.size }, (_, counter) => ({ events: this.#read(counter, COUNTERS.events), lost: this.lost(counter) }));
  }

  /** Sums over all counters. */
  totals(): { events: number; lost: number; cut: number } {
    const totals = { events: 0, lost: 0, cut: 0 };
    for (let counter = 0; counter < this.size; counter++) {
      totals.events += this.#read(counter, COUNTERS.events);
      totals.lost += this.#read(counter, COUNTERS.lost);
      totals.cut += this.#read(counter, COUNTERS.cut);
    }
    return totals;
  }

  #read(counter: number, offset: number): number {
    return Number(Atomics.load(this.#values, counter * WORDS + offset / 8));
  }
}
