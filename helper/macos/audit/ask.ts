import { spawnSync } from 'node:child_process';
import { AUDIT_PROGRAM_MS, MAX_AUDIT_OUTPUT_BYTES } from '../../limits.ts';

/**
 * The output of a program of the system, run without environment and with a time limit.
 * @param program absolute; never looked up
 * @returns undefined when it cannot be run, fails, or does not end in time
 */
export function ask(program: string, ...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, {
    encoding: 'utf8',
    env: {},
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: AUDIT_PROGRAM_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_AUDIT_OUTPUT_BYTES,
  });
  return status === 0 ? stdout : undefined;
}
