import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { ControlClient } from '../../agent/client/client.ts';

/** The flag of `npm start` that asks for the page. All others are for the helper. */
export const PAGE_FLAG = '--dashboard';

/** The port of the documents; another where it is taken. */
const PORT = 9465;

/** @returns a loopback address on which nothing listens */
export async function freeAddress(): Promise<string> {
  const port = (await listenOnce(PORT)) ?? (await listenOnce(0));
  if (port === undefined) throw new Error('no port of 127.0.0.1 is free');
  return `127.0.0.1:${port}`;
}

/** @returns the port, or undefined when it is taken */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

/**
 * Waits until the agent serves the page.
 * @param control the agent's control socket
 * @returns the address of the page, which is a secret; undefined when `signal` ends the wait
 */
export async function pageUrl(control: string, signal: AbortSignal): Promise<URL | undefined> {
  const client = new ControlClient(control);
  while (!signal.aborted) {
    try {
      const { url } = (await client.get('/v1/dashboard')) as { url: string };
      return new URL(url);
    } catch {
      await sleep(100);
    }
  }
  return undefined;
}
