import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { execEvent, type FakeHelper } from '../../support/fake-helper.ts';

/** How long a receiver stays away under load, in milliseconds. */
export const OUTAGE_MS = 60_000;
export const EVENTS_PER_SECOND = 2000;

const STEP_MS = 20;

/** A steady load of numbered events, from 1. */
export class Load {
  readonly #helper: FakeHelper;
  /** The last number that was sent. */
  last = 0;

  constructor(helper: FakeHelper) {
    this.#helper = helper;
  }

  /** Sends events for so long, at `EVENTS_PER_SECOND` on average. */
  async run(ms: number): Promise<void> {
    const begun = performance.now();
    const before = this.last;
    for (let elapsed = 0; elapsed < ms;) {
      await delay(STEP_MS);
      elapsed = Math.min(ms, performance.now() - begun);
      const due = before + Math.floor((elapsed / 1000) * EVENTS_PER_SECOND);
      if (due === this.last) continue;
      this.#helper.send(...Array.from({ length: due - this.last }, (_, i) => execEvent(this.last + 1 + i)));
      this.last = due;
    }
  }
}

/** How much memory a process has, in MiB. */
export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

/** Numbers in the order of their first arrival. */
export const firstArrivals = (seqs: readonly unknown[]): unknown[] => [...new Set(seqs)];
