import { spawnSync } from 'node:child_process';
import { AUDIT_PROGRAM_MS, MAX_AUDIT_OUTPUT_BYTES } from '../../limits.ts';

/**
 * What a program of the system prints; it gets no environment and is given so much time.
 * @param program absolute; never looked up
 * @returns undefined when it cannot be run, fails, or is not done in time
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
