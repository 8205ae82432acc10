import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { complain } from '../../installers/tools/progress.ts';

/** How a program ended: in words, or undefined for exit code 0. */
interface Ending {
  readonly name: string;
  readonly how: string | undefined;
}

/** A program that was started. */
export interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
}

/** Begins to watch a program that was just started. */
export function watch(name: string, child: ChildProcess): Running {
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => resolve({ name, how: error.message }));
    child.once('exit', (code, signal) =>
      resolve({ name, how: code === 0 ? undefined : (signal ?? `exit code ${code}`) }),
    );
  });
  return { name, child, ended };
}

/** Asks a program to end, and kills it if it has not after `seconds`. */
export async function endProgram({ name, child, ended }: Running, seconds: number): Promise<void> {
  child.kill('SIGTERM');
  const inTime = await Promise.race([ended, sleep(seconds * 1000, undefined, { ref: false })]);
  if (inTime !== undefined) return;
  complain(`the ${name} did not end within ${seconds} seconds and is killed`);
  child.kill('SIGKILL');
  await ended;
}
