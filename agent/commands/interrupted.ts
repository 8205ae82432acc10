import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { endNow } from './run.ts';

/** How long work that was asked to end may take for its last write, in milliseconds: a terminal that is stopped may take nothing for as long as it likes. */
const LAST_WRITE_MS = 1000;

/**
 * Runs something that goes on until SIGINT or SIGTERM asks it to end; the second one ends the process at once.
 * @param work ends soon after its signal is aborted; it is abandoned after a second
 * @returns undefined when it was asked to end
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const asked = new AbortController();
  const interrupted = Promise.withResolvers<undefined>();
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const handler = (): void => {
      if (asked.signal.aborted) endNow(128 + constants.signals[name]);
      asked.abort();
      interrupted.resolve(undefined);
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  const ended = work(asked.signal).catch((error: unknown) => {
    // It says in its own way that it was asked to end.
    if (asked.signal.aborted) return undefined;
    throw error;
  });
  try {
    return await Promise.race([ended, interrupted.promise.then(() => delay(LAST_WRITE_MS, undefined, { ref: false }))]);
  } finally {
    for (const off of handlers) off();
  }
}
