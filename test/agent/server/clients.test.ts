import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Listener, type ListenerLimits } from '../../../agent/server/listener.ts';
import { ask } from '../../support/metrics.ts';
import { Workplace } from '../support/agent-process.ts';

const LIMITS: ListenerLimits = { connections: 4, headerBytes: 2048, requestMs: 1500, connectionMs: 4000 };
const LARGE = 'x'.repeat(4 * 1024 * 1024);

interface Served {
  readonly listen: string;
  readonly requests: string[];
  /** A client of raw bytes. */
  dial(bytes: string): Dialled;
}

class Dialled {
  readonly socket: Socket;
  answer = '';
  readonly closed: Promise<unknown>;

  constructor(path: string, bytes: string) {
    this.socket = connect({ path });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk) => (this.answer += chunk.toString('latin1')));
    this.socket.write(bytes);
  }
}

/** A listener on a socket that answers every request with "fine". */
async function served(
  t: ExecutionContext,
  use: (served: Served) => Promise<void>,
  { body = 'fine', limits = LIMITS }: { body?: string; limits?: ListenerLimits } = {},
): Promise<void> {
  using work = new Workplace();
  const path = join(work.folder, 'metrics.sock');
  const requests: string[] = [];
  const listener = new Listener(
    { kind: 'unix', path },
    (request, response) => {
      requests.push(`${request.method} ${request.url}`);
      response.shouldKeepAlive = false;
      response.end(body);
    },
    (error) => t.fail(String(error)),
    { limits },
  );
  await listener.open();
  const clients: Dialled[] = [];
  try {
    await use({
      listen: `unix:${path}`,
      requests,
      dial: (bytes) => {
        const client = new Dialled(path, bytes);
        clients.push(client);
        return client;
      },
    });
  } finally {
    await listener.close();
    for (const { socket } of clients) socket.destroy();
  }
}

const REQUEST = 'GET /metrics HTTP/1.1\r\nHost: x\r\n';

for (const [who, bytes, status] of [
  ['a client that says nothing', '', /^(HTTP\/1\.1 408 |$)/],
  ['a client that stops in its headers', REQUEST, /^HTTP\/1\.1 408 /],
  ['a client whose body does not end', `${REQUEST}Content-Length: 1000000\r\n\r\nx`, /^HTTP\/1\.1 200 /],
] as const)
  test(`${who} is let go when its time is up, and others are served meanwhile`, (t) =>
    served(t, async ({ listen, dial }) => {
      const slow = dial(bytes);
      await once(slow.socket, 'connect');
      t.is((await ask(listen, '/')).body, 'fine');
      await slow.closed;
      t.regex(slow.answer, status);
    }));

test('headers byte by byte do not get more time', (t) =>
  served(
    t,
    async ({ dial, requests }) => {
      const slow = dial(REQUEST);
      const drip = setInterval(() => slow.socket.write('x'), 20);
      await slow.closed;
      clearInterval(drip);
      // A byte written behind the answer can end the client before it reads the answer.
      t.regex(slow.answer, /^(HTTP\/1\.1 408 |$)/);
      t.deepEqual(requests, []);
    },
    // Only the time of the headers is left to end the client.
    { limits: { ...LIMITS, connectionMs: 600_000 } },
  ));

test('headers that are too large are refused, and not kept', (t) =>
  served(t, async ({ listen, dial, requests }) => {
    const large = dial(`${REQUEST}X: ${'x'.repeat(1024 * 1024)}`);
    await large.closed;
    t.regex(large.answer, /^(HTTP\/1\.1 431 |$)/);
    t.deepEqual(requests, []);
    t.is((await ask(listen, '/')).status, 200);
  }));

test('what is not HTTP is refused', (t) =>
  served(t, async ({ dial, requests }) => {
    const other = dial('\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n');
    await other.closed;
    t.regex(other.answer, /^HTTP\/1\.1 400 /);
    t.deepEqual(requests, []);
  }));

test('what a client expects is passed over: it gets the answer that all get, and is let go', (t) =>
  served(t, async ({ dial, requests }) => {
    for (const expectation of ['100-continue', 'x']) {
      const client = dial(`${REQUEST}Expect: ${expectation}\r\n\r\n`);
      await client.closed;
      t.regex(client.answer, /HTTP\/1\.1 200 OK\r\n[^]*fine$/);
    }
    t.is(requests.length, 2);
  }));

test('a client that does not read its answer is let go when its time is up', (t) =>
  served(
    t,
    async ({ listen, dial }) => {
      const deaf = dial(`${REQUEST}\r\n`);
      deaf.socket.pause();
      await delay(50);
      t.is((await ask(listen, '/')).body.length, LARGE.length);
      await delay(LIMITS.connectionMs);
      deaf.socket.resume();
      await deaf.closed;
      t.true(deaf.answer.length < LARGE.length);
    },
    { body: LARGE },
  ));

test('one request a connection: what a client sends behind it is not answered', (t) =>
  served(t, async ({ dial, requests }) => {
    const client = dial(`${REQUEST}\r\n`.repeat(50));
    await client.closed;
    t.is(client.answer.match(/HTTP\/1\.1 200 /g)?.length, 1);
    t.deepEqual(new Set(requests).size, 1);
  }));

test('connections beyond the bound are closed unread, and there is room again when the others are gone', (t) =>
  served(t, async ({ listen, dial, requests }) => {
    const holders = Array.from({ length: 50 }, () => dial('GET'));
    await Promise.all(holders.slice(LIMITS.connections).map(({ closed }) => closed));
    t.is(holders.filter(({ socket }) => !socket.destroyed).length, LIMITS.connections);
    await t.throwsAsync(ask(listen, '/'));
    await Promise.all(holders.map(({ closed }) => closed));
    t.is((await ask(listen, '/')).status, 200);
    t.deepEqual(requests, ['GET /']);
  }));
