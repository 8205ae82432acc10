import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

import type { ProbeEvent } from '../../shared/events/parse.ts';
import type { Delivery } from './delivery.ts';
import { buffers, memory, totalCpu, WARM_EXECS, type Bench } from './measure.ts';
import type { Observer } from './observers/observer.ts';
import type { OwnWatch } from './observers/ours.ts';
import { median, quantile } from './statistics.ts';
import type { Shape, Storm, Storms } from './storm.ts';

/** Bytes of each process: the most that was seen during a storm. */
export type Peak = Readonly<Record<string, number>>;

/** A storm that is not timed, during which memory is looked at. */
export async function peakMemory(
  bench: Bench,
  storms: Storms,
  observer: Observer,
  shape: Shape,
  execs: number,
): Promise<Peak> {
  const { result } = await bench.watched(observer, Math.max(execs, WARM_EXECS), async (watch) => {
    const peak: Record<string, number> = {};
    let running = true;
    const look = (): void => {
      for (const [name, bytes] of Object.entries(memory(watch))) peak[name] = Math.max(peak[name] ?? 0, bytes);
    };
    const looking = (async () => {
      for (; running; await delay(100)) look();
    })();
    await storms.run(storms.plan(shape, execs));
    await delay(500);
    running = false;
    await looking;
    look();
    return peak;
  });
  return result;
}

export interface Latency {
  readonly events: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How long from a program's start until its line is in the file. */
export async function latency(
  bench: Bench,
  observer: Observer,
  storm: Storm,
  start: () => Promise<unknown>,
): Promise<Latency> {
  const { result } = await bench.watched(observer, 5000, async (watch) => {
    const { file } = watch as OwnWatch;
    const growth: { at: number; size: number }[] = [];
    const descriptor = openSync(file, 'r');
    let running = true;
    const following = (async () => {
      for (let size = 0; running; await delay(1)) {
        const now = fstatSync(descriptor).size;
        if (now !== size) growth.push({ at: microsecondsSinceBoot(), size: (size = now) });
      }
    })();
    await start();
    await delay(1000);
    running = false;
    await following;
    const text = readFileSync(descriptor);
    closeSync(descriptor);
    return delays(text, growth, storm);
  });
  return { events: result.length, p50: median(result), p99: quantile(result, 0.99), max: Math.max(...result) };
}

/** Both clocks begin at boot, unless the machine slept since. */
function microsecondsSinceBoot(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Whether the clock that stops in sleep shows the same as the one that does not. */
export const neverSlept = (): boolean => Math.abs(uptime() * 1e6 - microsecondsSinceBoot()) < 1.5e6;

function delays(text: Buffer, growth: readonly { at: number; size: number }[], { program, mark }: Storm): number[] {
  const result: number[] = [];
  let step = 0;
  for (let from = 0, to = text.indexOf(10); to >= 0; from = to + 1, to = text.indexOf(10, from)) {
    while (step < growth.length && (growth[step]?.size ?? 0) <= to) step++;
    const line = text.toString('utf8', from, to);
    if (!line.includes(mark)) continue;
    const event = JSON.parse(line) as ProbeEvent;
    const at = growth[step]?.at;
    // The process began when it was forked, just before its exec: what is measured is at most that much too long.
    if (event.type === 'exec' && event.filename === program && event.start_time !== undefined && at !== undefined)
      result.push((at - event.start_time) / 1000);
  }
  return result;
}

/** Starts programs one by one at moments that fit no clock. */
export async function trickle({ program, mark }: Storm, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const child = spawn(program, ['0', String(i), mark], { env: {}, stdio: 'ignore' });
    await once(child, 'exit');
    await delay(Math.random() * 20);
  }
}

export interface Idle {
  readonly seconds: number;
  /** Percent of one processor. */
  readonly percent: Readonly<Record<string, number>>;
  /** Lines written meanwhile: other programs that ran. */
  readonly bytes: number;
}

export async function idle(
  bench: Bench,
  observer: Observer,
  cpuOfProcess: (pid: number) => number,
  seconds = 20,
): Promise<Idle> {
  const { result } = await bench.watched(observer, 5000, async (watch) => {
    await delay(2000);
    const look = (): [string, number][] =>
      Object.entries(watch.processes).map(([name, pid]) => [name, cpuOfProcess(pid)]);
    const [before, size] = [new Map(look()), watch.size()];
    await delay(seconds * 1000);
    return {
      seconds,
      percent: Object.fromEntries(look().map(([name, cpu]) => [name, (cpu - (before.get(name) ?? 0)) / seconds / 1e7])),
      bytes: watch.size() - size,
    };
  });
  return result;
}

export interface Million {
  readonly execs: number;
  readonly seconds: number;
  readonly delivery: Delivery;
  /** Nanoseconds of processor time an exec. */
  readonly cpu: number;
  /** Bytes beyond ring and backlog, by process: before the first event, and every few seconds. */
  readonly memory: readonly Readonly<Record<string, number>>[];
}

/** Many execs by two workers at full speed. */
export async function million(
  bench: Bench,
  storms: Storms,
  observer: Observer,
  shape: Shape,
  execs: number,
): Promise<Million> {
  const storm = storms.plan(shape, execs);
  const { result, delivery } = await bench.watched(
    observer,
    1000,
    async (watch) => {
      const beyond = (): Record<string, number> => {
        const held = buffers(watch);
        return Object.fromEntries(
          Object.entries(memory(watch)).map(([name, bytes]) => [name, bytes - (held[name] ?? 0)]),
        );
      };
      const samples = [beyond()];
      const before = totalCpu(watch);
      let running = true;
      const looking = (async () => {
        for (let i = 1; running; i++) {
          await delay(500);
          if (i % 20 === 0) samples.push(beyond());
        }
      })();
      const { elapsed } = await storms.run(storm);
      running = false;
      await looking;
      await delay(2000);
      samples.push(beyond());
      return {
        execs: storm.execs,
        seconds: elapsed / 1e9,
        cpu: (totalCpu(watch) - before) / storm.execs,
        memory: samples,
      };
    },
    storm,
  );
  return { ...result, delivery };
}
