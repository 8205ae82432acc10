import type { HelloEvent } from '../../shared/events/hello.ts';
import { connectToHelper, type Trust } from './connect.ts';
import type { SourceConnection } from './connection.ts';
import { ReplayFilter } from './replay-filter.ts';
import { Session } from './session.ts';
import { explainFailure } from './unreachable.ts';

/** The helper sends its first line at once; a machine under load may need a moment. */
const PATIENCE_MS = 2000;

/** More than a first line takes. */
const READ_BYTES = 16 * 1024;

/**
 * Connects to the helper, waits for its first line and leaves.
 * @param patienceMs how long to wait, in milliseconds
 * @returns the line, or a sentence on why an agent would get no events now
 */
export async function askHelper(
  socketPath: string,
  trust: Trust,
  patienceMs: number = PATIENCE_MS,
): Promise<HelloEvent | string> {
  const { promise: answer, resolve } = Promise.withResolvers<HelloEvent | string>();
  const session = new Session(new ReplayFilter(), {
    onHello: (hello) => resolve(hello),
    onUnreadable: () => undefined,
  });
  const timer = setTimeout(
    () =>
      resolve(
        `${socketPath} accepts connections, but sent nothing within ${patienceMs / 1000} s; probes-helper is stopped, or hangs`,
      ),
    patienceMs,
  );
  let connection: SourceConnection | undefined;
  try {
    connection = connectToHelper(socketPath, trust, () => session.room(READ_BYTES), {
      onBytes(bytes) {
        try {
          session.received(bytes, []);
        } catch (error) {
          // Ignore events after a good first line.
          resolve(session.hello ?? explainFailure(error, socketPath));
        }
        return session.hello === undefined;
      },
      onError: (error) => resolve(explainFailure(error, socketPath)),
      onClose: () => resolve(`${socketPath} closed the connection before its first line; it may have too many clients`),
    });
    return await answer;
  } catch (error) {
    return explainFailure(error, socketPath);
  } finally {
    clearTimeout(timer);
    connection?.destroy();
  }
}
