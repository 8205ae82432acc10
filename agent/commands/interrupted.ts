import { constants } from 'node:os';
import { endNow } from './run.ts';

/** Runs something that goes on until SIGINT or SIGTERM asks it to end; the second one ends the process at once. */
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
  try {
    // Not only the work's own end: a terminal that is stopped may take nothing for as long as it likes.
    return await Promise.race([work(asked.signal), interrupted.promise]);
  } finally {
    for (const off of handlers) off();
  }
}
