import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { execEvent, type FakeHelper } from '../../support/fake-helper.ts';

const TICK_MS = 20;

/** Events that the helper keeps for an agent that comes back. */
const KEPT = 20_000;

/** Events with the numbers from 1 on, at a steady rate until it is stopped. */
export class SteadyLoad {
  readonly #helper: FakeHelper;
  readonly #done: Promise<void>;
  #stopped = false;
  #last = 0;

  constructor(helper: FakeHelper, perSecond: number) {
    this.#helper = helper;
    this.#done = this.#run(perSecond);
  }

  /** The last number that was sent. */
  get last(): number {
    return this.#last;
  }

  async #run(perSecond: number): Promise<void> {
    const begun = performance.now();
    while (!this.#stopped) {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
      const events = [];
      while (this.#last < due) events.push(execEvent(++this.#last, { uid: 1000 }));
      if (events.length > 0) this.#helper.send(...events);
      const { backlog } = this.#helper;
      if (backlog.length > 2 * KEPT) backlog.splice(0, backlog.length - KEPT);
      await delay(TICK_MS);
    }
  }

  /** @returns the last number that was sent */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#done;
    return this.#last;
  }
}

/** How much memory a process has, in MiB. */
export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
