import { ControlClient } from '../client/client.ts';
import { controlSocketPath, type PlaceOptions } from '../client/place.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { neutralise } from '../terminal-text.ts';
import { reportFailure } from './control-failure.ts';

export type DashboardOptions = PlaceOptions;

/**
 * `probes-agent dashboard`: prints the address of the page, with its token. The token is in no file and in no log: whoever can
 * connect to the control socket sees every event anyway, and nobody else gets it. No browser is started, because every user of the
 * machine can read the arguments of a process.
 */
export async function dashboard(options: DashboardOptions): Promise<ExitCode> {
  try {
    const client = new ControlClient(controlSocketPath(options));
    const { url } = (await client.get('/v1/dashboard')) as { url?: unknown };
    process.stdout.write(`${neutralise(String(url))}\n`);
    return EXIT.OK;
  } catch (error) {
    return reportFailure('dashboard', error);
  }
}
