import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** The load average of one minute up to which a machine is quiet. Above it, added time says more about others than about an observer. */
const QUIET_LOAD = 0.5;
/**
 * How long the bench waits at its end until the load of its own storms has fallen. They leave at most some 4 behind,
 * which falls to 0.5 within 125 s.
 */
const REST_SECONDS = 300;
const MOMENT_SECONDS = 5;
/** The exit code of a bench that did not write its page because the machine was busy. */
export const BUSY_EXIT_CODE = 3;

/** Load averages of 1, 5 and 15 minutes. */
export type Load = readonly number[];

/** Says why docs/benchmarks.md was not written, and what to do. */
export class BusyMachineError extends Error {}

const isQuiet = ([minute = Number.NaN]: Load): boolean => minute <= QUIET_LOAD;

/** @throws BusyMachineError when the machine is busy before anything was measured */
export function requireQuiet(load: Load = loadavg()): void {
  if (isQuiet(load)) return;
  throw new BusyMachineError(
    `--write: the machine is busy: its load average of one minute is ${shown(load)}, and docs/benchmarks.md takes figures only from ${QUIET_LOAD} down. Nothing was measured. End what else runs (top lists it), wait until uptime shows less, and try again.`,
  );
}

/**
 * Rests until the machine is quiet, at most REST_SECONDS.
 * @returns the load then
 * @throws BusyMachineError when it is still busy, so that something else ran beside the bench
 */
export async function restUntilQuiet(
  read: () => Load = loadavg,
  pause: (milliseconds: number) => Promise<unknown> = delay,
): Promise<Load> {
  for (let waited = 0; ; waited += MOMENT_SECONDS) {
    const load = read();
    if (isQuiet(load)) return load;
    if (waited >= REST_SECONDS)
      throw new BusyMachineError(
        `--write: docs/benchmarks.md is unchanged: after ${REST_SECONDS} s of rest the load average of one minute is still ${shown(load)}, and more than ${QUIET_LOAD} means that something else ran beside the bench. End it (top lists what runs), and measure again.`,
      );
    await pause(MOMENT_SECONDS * 1000);
  }
}

const shown = ([minute = Number.NaN]: Load): string => minute.toFixed(2);
