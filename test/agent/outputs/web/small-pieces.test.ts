import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import test from 'ava';
import { exchange } from '../../../../agent/outputs/web/exchange.ts';

const MAX_REPLY_BYTES = 1024 * 1024;

test('a reply in pieces of one byte takes little more memory than in one', async (t) => {
  t.timeout(60_000);
  const pieces = '1\r\n \r\n'.repeat(20_000);
  const server = createServer((socket) => {
    const more = (): void => {
      if (!socket.writable) return;
      if (socket.writableLength === 0) socket.write(pieces);
      setImmediate(more);
    };
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      more();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  const look = setInterval(() => (most = Math.max(most, process.memoryUsage().heapUsed - before)), 5);
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', method: 'POST' });
  const reply = await exchange(asked, Buffer.alloc(0), 50_000, MAX_REPLY_BYTES);
  clearInterval(look);
  t.true(reply.isCut);
  t.is(reply.body.length, MAX_REPLY_BYTES);
  // A million pieces; each takes more than a hundred bytes where they are kept.
  t.true(most < 80 * 1024 * 1024, String(most));
});
