import { complain, messageOf } from '../../installers/tools/progress.ts';
import { endMachines } from './machine.ts';

/**
 * Runs `main`, and ends all machines however it ends: by itself, by an error, which is printed, or by a signal, which
 * decides the exit code.
 * @returns whether it ended without an error
 */
export async function withMachines(main: () => Promise<void>): Promise<boolean> {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      endMachines();
      process.exit(code);
    });
  }
  try {
    await main();
    return true;
  } catch (error) {
    complain(messageOf(error));
    return false;
  } finally {
    endMachines();
  }
}
