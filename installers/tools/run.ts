import { spawnSync, type SpawnSyncOptions } from 'node:child_process';

/** PATH of a service or of cron may lack the folders of the system's own programs. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;

/**
 * Runs a program to its end and gives what it printed.
 * @throws {Error} with its standard error, when it does not end with 0
 */
export function run(program: string, args: readonly string[], options: SpawnSyncOptions = {}): string {
  const result = spawnSync(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 << 20,
    ...options,
    env: { ...(options.env ?? process.env), PATH },
    encoding: 'utf8',
  });
  if (result.status !== 0)
    throw new Error(
      `${program} ${args.join(' ')}: ${result.error?.message ?? (result.stderr.trim() || `ended with ${result.status ?? result.signal}`)}`,
    );
  return result.stdout;
}
