import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the ports that Linux gives to sockets without one (from 32,768), above those of well-known servers. */
const FIRST = 16_384;
const PORTS = 16_000;

/**
 * A TCP port of 127.0.0.1 for a server that stops and comes back, or is another program. The system gives it to nobody by
 * itself, and no other test gets it as long as this process lives, also while nobody listens there.
 */
export async function ownPort(): Promise<number> {
  for (;;) {
    const port = FIRST + randomInt(PORTS);
    // A name in the abstract namespace ends with its process, however that ends.
    const claim = await listening(`\0probes-test-port-${port}`);
    if (claim === undefined) continue;
    claim.unref();
    const server = await listening(port);
    if (server === undefined) {
      claim.close();
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** @returns undefined where another listens */
async function listening(place: string | number): Promise<Server | undefined> {
  const server = createServer();
  if (typeof place === 'string') server.listen(place);
  else server.listen(place, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}
