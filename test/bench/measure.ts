import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { buffersOf, cpuOf, pssOf } from './accounting.ts';
import { Deliveries, type Delivery } from './delivery.ts';
import type { Observer, Watch } from './observers/observer.ts';
import { sum } from './statistics.ts';
import { SHAPES, type Shape, type Storms } from './storm.ts';

/** One storm with nothing attached, then one that was watched. */
export interface Pair {
  readonly observer: string;
  readonly shape: string;
  readonly round: number;
  readonly execs: number;
  /** Nanoseconds an exec took with nothing attached, and watched. */
  readonly bare: number;
  readonly watched: number;
  /** Of that, processor time of the starting and the started program. */
  readonly bareCpu: number;
  readonly watchedCpu: number;
  /** Nanoseconds of processor time an exec, by process, until all was written. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly kernelCpu: Readonly<Record<string, number>>;
  /** Bytes, by process, when all was written. */
  readonly pss: Readonly<Record<string, number>>;
  readonly delivery: Delivery;
}

/** A second of this processor time over the last moments, or less, is rest. */
const REST = 0.05;
const MOMENT_MS = 400;
/** Execs that an observer has seen before its storms: compilers and caches then have done most of their work, as in a sensor that runs for days. */
export const WARM_EXECS = 10_000;
const REST_SECONDS = 60;
const START_SECONDS = 30;

export class Bench {
  readonly #folder: string;
  readonly #storms: Storms;
  #count = 0;

  constructor(folder: string, storms: Storms) {
    this.#folder = folder;
    this.#storms = storms;
  }

  /** Runs the same storm twice, the second time watched by an observer that has seen it once already. */
  async pair(observer: Observer, shape: Shape, execs: number, round: number): Promise<Pair> {
    const storms = this.#storms;
    const bareStorm = storms.plan(shape, execs);
    const bare = await storms.run(bareStorm);
    const storm = storms.plan(shape, execs);
    const { result, delivery } = await this.watched(
      observer,
      Math.max(execs, WARM_EXECS),
      async (watch) => {
        await storms.run(storms.plan(shape, execs));
        await rest(watch);
        const before = usage(watch);
        const { elapsed, cpu } = await storms.run(storm);
        await rest(watch);
        const after = usage(watch);
        return {
          watched: elapsed / storm.execs,
          watchedCpu: cpu / storm.execs,
          cpu: difference(before.cpu, after.cpu, storm.execs),
          kernelCpu: difference(before.kernelCpu, after.kernelCpu, storm.execs),
          pss: memory(watch),
        };
      },
      storm,
    );
    return {
      observer: observer.id,
      shape: shape.id,
      round,
      execs: storm.execs,
      bare: bare.elapsed / storm.execs,
      bareCpu: bare.cpu / storm.execs,
      ...result,
      delivery,
    };
  }

  /**
   * Starts an observer, lets it see enough to be warm, does the work, stops it.
   * @returns what the work gave, and what of `storm` arrived
   */
  async watched<T>(
    observer: Observer,
    warmUp: number,
    work: (watch: Watch) => Promise<T>,
    storm = this.#storms.plan(plain(), 1),
  ): Promise<{ result: T; delivery: Delivery }> {
    const folder = path.join(this.#folder, String(this.#count++));
    mkdirSync(folder);
    const watch = await observer.start(folder);
    let result: T;
    try {
      await this.#begin(watch, warmUp);
      result = await work(watch);
    } finally {
      await watch.stop();
    }
    const deliveries = new Deliveries(storm);
    await watch.read(deliveries, storm);
    rmSync(folder, { recursive: true });
    return { result, delivery: deliveries.result };
  }

  /** Waits until it writes what it sees. Some write only when they have collected a few kilobytes. */
  async #begin(watch: Watch, warmUp: number): Promise<void> {
    const storms = this.#storms;
    const size = watch.size();
    const started = performance.now();
    for (; watch.size() < size + 4096; await delay(100)) {
      if (performance.now() - started > START_SECONDS * 1000)
        throw new Error(`it writes nothing: ${watch.log().slice(-500)}`);
      await storms.run(storms.plan(plain(), 100));
    }
    await storms.run(storms.plan(plain(), warmUp));
    await delay(Math.max(0, started + (watch.startMs ?? 0) - performance.now()));
    await rest(watch);
  }
}

export function plain(): Shape {
  const [first] = SHAPES;
  if (first === undefined) throw new Error('no shapes');
  return first;
}

export const totalCpu = (watch: Watch): number => sum(Object.values(usage(watch).cpu));

/** Share of PSS beyond ring and backlog, by process. */
export function memory(watch: Watch): Record<string, number> {
  return Object.fromEntries(Object.entries(watch.processes).map(([name, pid]) => [name, pssOf(pid)]));
}

export function buffers(watch: Watch): Record<string, number> {
  return Object.fromEntries(Object.entries(watch.processes).map(([name, pid]) => [name, buffersOf(pid)]));
}

/** Waits until the observer has nothing to do. */
export async function rest(watch: Watch): Promise<void> {
  if (watch.holdsMs !== undefined) await delay(watch.holdsMs);
  const started = performance.now();
  for (let last = busy(watch); performance.now() - started < REST_SECONDS * 1000;) {
    await delay(MOMENT_MS);
    watch.size();
    const now = busy(watch);
    if (now - last < REST * MOMENT_MS * 1e6) return;
    last = now;
  }
}

const busy = (watch: Watch): number => {
  const { cpu, kernelCpu } = usage(watch);
  return sum(Object.values(cpu)) + sum(Object.values(kernelCpu));
};

function usage(watch: Watch): { cpu: Record<string, number>; kernelCpu: Record<string, number> } {
  const of = (processes: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, cpuOf(pid)]));
  return { cpu: of(watch.processes), kernelCpu: of(watch.kernel ?? {}) };
}

function difference(
  before: Record<string, number>,
  after: Record<string, number>,
  execs: number,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, (value - (before[name] ?? 0)) / execs]),
  );
}
