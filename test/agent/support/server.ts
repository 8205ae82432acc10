import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { FakeHelper } from '../../support/fake-helper.ts';

/** Serves a socket where the helper's would be, and does with each client as `serve` says. */
export async function withServer(
  serve: (client: Socket) => void,
  use: (socketPath: string) => Promise<unknown>,
): Promise<void> {
  await using place = new FakeHelper();
  const clients: Socket[] = [];
  const server = createServer((client) => {
    clients.push(client.on('error', () => undefined));
    serve(client);
  });
  await new Promise<void>((resolve) => server.listen(place.socketPath, resolve));
  try {
    await use(place.socketPath);
  } finally {
    for (const client of clients) client.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/**
 * Serves a port of the loopback for outputs: as no receiver of their protocol does, or as a bad one.
 * @param serve gets each connection, and its number from 1
 */
export async function listening(serve: (socket: Socket, connection: number) => void): Promise<
  AsyncDisposable & {
    /** `host:port` */
    readonly address: string;
    /** All connections so far, also those that have ended. */
    readonly sockets: ReadonlySet<Socket>;
  }
> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    serve(socket, sockets.size);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
