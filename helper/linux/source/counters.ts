import { openSync, readSync } from 'node:fs';
import path from 'node:path';
import type { KernelCount } from '../../stream/event-source.ts';
import type { Libc } from '../libc.ts';
import { isFurther } from '../programs.ts';
import { COUNTERS, COUNTERS_BYTES, KINDS } from '../layout.ts';

const WORDS = COUNTERS_BYTES / 8;

const TOTALS = ['events', 'lost', 'cut', 'recovered'] as const;

const FDINFO_BYTES = 4096;

/** The line of bpf_prog_show_fdinfo (kernel/bpf/syscall.c) with the skipped runs, up to their number. */
const SKIPPED = 'recursion_misses:';

/**
 * Runs of a program that the kernel skipped, because it was running on that
 * processor already (possible where tracepoints can be preempted: bpf/preemption.h).
 * The probe cannot count these itself. Kernels before 5.12 do not tell, and do not
 * preempt. Runs that a further program reported instead are not missing.
 */
export class SkippedRuns {
  readonly #files: readonly number[];
  readonly #counters: KernelCounters;
  readonly #text = Buffer.alloc(FDINFO_BYTES);
  #before = 0;

  /** Opens what the kernel tells of the programs (descriptors by name), to be read as long as the process lives. */
  constructor(programs: Readonly<Record<string, number>>, counters: KernelCounters, folder = '/proc/self/fdinfo') {
    const first = Object.entries(programs).filter(([name]) => !isFurther(name));
    this.#files = first.map(([, fd]) => openSync(path.join(folder, String(fd)), 'r'));
    this.#counters = counters;
  }

  /**
   * Events that no program has told, as of the call before: between the program that
   * was skipped and the further one their task can itself have been preempted.
   */
  total(): number {
    const skipped = this.#before;
    this.#before = 0;
    for (const file of this.#files) this.#before += this.#skippedOf(file);
    return skipped - this.#counters.recovered();
  }

  /** Once a second: only the one line of some fifteen is looked at. */
  #skippedOf(file: number): number {
    const text = this.#text.latin1Slice(0, readSync(file, this.#text, 0, FDINFO_BYTES, 0));
    const at = text.indexOf(SKIPPED);
    // parseInt passes over the tab before the number, and stops at the end of the line.
    return at === -1 ? 0 : Number.parseInt(text.slice(at + SKIPPED.length), 10);
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

  /** Returns the current value of every counter. */
  all(): KernelCount[] {
    return Array.from({ length: this.size }, (_, counter) => ({
      events: this.#read(counter, COUNTERS.events),
      lost: this.lost(counter),
    }));
  }

  /** Events over all counters that a further program told. */
  recovered(): number {
    let sum = 0;
    for (let counter = 0; counter < this.size; counter++) sum += this.#read(counter, COUNTERS.recovered);
    return sum;
  }

  /** Sums over all counters. */
  totals(): Readonly<Record<(typeof TOTALS)[number], number>> {
    const totals = { events: 0, lost: 0, cut: 0, recovered: 0 };
    for (let counter = 0; counter < this.size; counter++) {
      for (const name of TOTALS) totals[name] += this.#read(counter, COUNTERS[name]);
    }
    return totals;
  }

  #read(counter: number, offset: number): number {
    return Number(Atomics.load(this.#values, counter * WORDS + offset / 8));
  }
}
