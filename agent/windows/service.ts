import { WindowsService } from '../../shared/windows/service.ts';
import { EXIT } from '../exit-codes.ts';
import { loadFfi } from '../ffi.ts';
import { windowsFunctions } from './functions.ts';

/** Name of the service, and of the source of its messages in the Application log. */
const SERVICE_NAME = 'platform-probes-agent';

const EVENT_TYPES: Readonly<Record<string, number>> = { error: 1, warn: 2 };
const INFORMATION = 4;
/** Windows' own EventCreate.exe, which the installer names as the source's messages, has "%1" under every number to 1000. */
const MESSAGE_ID = 1;

/** Writes the agent's log, lines of JSON, to the Application log: a service has no standard error. */
export function eventLogDestination(): { write(line: string): void } {
  const windows = windowsFunctions();
  const log = windows.RegisterEventSourceW(null, SERVICE_NAME) as number;
  return {
    write(line) {
      const level = /"level":"(\w+)"/.exec(line)?.[1] ?? '';
      if (log !== 0)
        windows.ReportEventW(log, EVENT_TYPES[level] ?? INFORMATION, 0, MESSAGE_ID, null, 1, 0, [line.trimEnd()], null);
    },
  };
}

/** Requests of the service manager while the agent runs as its service. */
export interface ServiceRequests {
  onStop(stop: () => void): void;
  onReload(reload: () => void): void;
}

/**
 * Runs the agent as a Windows service: begins when Windows says so, and reports its end.
 * @param body runs until a request to stop; resolves with the exit status
 */
export function runAsService(
  body: (requests: ServiceRequests, running: () => void) => Promise<number>,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let stop = (): void => undefined;
  let reload = (): void => undefined;
  const requests: ServiceRequests = { onStop: (does) => (stop = does), onReload: (does) => (reload = does) };
  const begin = async (): Promise<void> => {
    const code = await body(requests, () => service.running());
    service.stopped(code);
    resolve(code);
  };
  const service = new WindowsService(
    loadFfi(),
    SERVICE_NAME,
    { onStart: () => begin().catch(reject), onStop: () => stop(), onReload: () => reload() },
    () => {
      process.stderr.write('probes-agent: --service is for the service manager. From a console, leave it out.\n');
      resolve(EXIT.USAGE);
    },
  );
  return promise;
}
