import { createServer, type Socket } from 'node:net';
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
