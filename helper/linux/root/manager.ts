import { say } from '../../say.ts';
import type { Libc } from '../libc.ts';
import { connectDatagrams } from '../sockets.ts';

/**
 * Connects to the service manager, which wants to know how the helper is: sd_notify(3). If that fails, says so and goes
 * on without: a helper that traces is worth more than one that reports.
 * @param socket of `--notify`
 * @returns the descriptor; undefined when there is no manager to report to
 */
export function connectToManager(libc: Libc, socket: string | undefined): number | undefined {
  if (socket === undefined) return undefined;
  try {
    return connectDatagrams(libc, socket);
  } catch (error) {
    say(`--notify: no reports to ${socket}: ${(error as Error).message}`);
    return undefined;
  }
}
