import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import test from 'ava';
import { ownPort } from './own-port.ts';

test('the system gives the port to nobody by itself, and no other test can claim it', async (t) => {
  const port = await ownPort();
  const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/u).map(Number);
  t.true(port < first!, `${port} is one of those that the system gives, from ${first}`);
  const [error] = (await once(createServer().listen(`\0probes-test-port-${port}`), 'error')) as [NodeJS.ErrnoException];
  t.is(error.code, 'EADDRINUSE');
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
});
