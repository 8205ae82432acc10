import { createServer, type Server, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ControlClient, RefusedError } from '../../../agent/client/client.ts';
import { MAX_ANSWER_BYTES } from '../../../agent/client/limits.ts';
import { Workplace } from '../support/agent-process.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n';

/** Something that listens where an agent should, and answers as it is told. */
async function withServer(
  answer: (socket: Socket) => void,
  use: (client: ControlClient) => Promise<void>,
): Promise<void> {
  using work = new Workplace();
  const path = work.path('control.sock');
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await use(new ControlClient(path, 500));
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const STREAM = { signal: new AbortController().signal, onOpen: async () => undefined, onTooLong: () => undefined };

/** Both ways to ask end with this reason. */
async function failing(t: ExecutionContext, answer: (socket: Socket) => void, reason: RegExp): Promise<void> {
  await withServer(answer, async (client) => {
    const error = await t.throwsAsync(client.get('/v1/status'));
    t.regex(error.message, reason);
    t.true(error.message.startsWith('CONTROL_UNREACHABLE: '));
  });
}

test('what is not JSON, not HTTP, not whole, or never comes, is a clear error', async (t) => {
  await failing(
    t,
    (socket) => socket.end(`${HEAD}content-length: 3\r\n\r\nyes`),
    /the answer is not what an agent says/,
  );
  await failing(t, (socket) => socket.end('220 mail.example ESMTP\r\n'), /the answer is not what an agent says/);
  await failing(t, (socket) => socket.end(`${HEAD}content-length: 300\r\n\r\n{"a":`), /ended the connection/);
  await failing(t, (socket) => socket.destroy(), /ended the connection|closed without an answer/);
  await failing(t, () => undefined, /no answer in time/);
  await failing(
    t,
    (socket) => socket.write(`${HEAD}content-length: 300\r\n\r\n{`),
    /no answer in time|ended the connection/,
  );
});

test('a refusal without a sentence gets one', async (t) => {
  for (const [status, reason] of [
    [431, /longer than the agent reads; give it a shorter filter/],
    [418, /refused the request with status 418/],
  ] as const)
    await withServer(
      (socket) => socket.end(`HTTP/1.1 ${status} No\r\nconnection: close\r\n\r\n`),
      async (client) => {
        const error = await t.throwsAsync(client.get('/v1/status'), { instanceOf: RefusedError });
        t.is(error.status, status);
        t.regex(error.message, reason);
      },
    );
});

test('what is no socket is called so', async (t) => {
  using work = new Workplace();
  work.configure('');
  for (const path of [work.configFile, work.folder])
    await t.throwsAsync(new ControlClient(path, 500).get('/v1/status'), {
      message: `CONTROL_UNREACHABLE: ${path} is not a socket`,
    });
});

test('an answer without end is read up to a bound', (t) =>
  failing(
    t,
    (socket) => {
      socket.write(`${HEAD}\r\n`);
      const piece = Buffer.alloc(1024 * 1024, 'x');
      const more = (): void => void (socket.destroyed || socket.write(piece, more));
      more();
    },
    new RegExp(`longer than ${MAX_ANSWER_BYTES} bytes|no answer in time`),
  ));

test('a refusal is the sentence of the agent, with its status', (t) =>
  withServer(
    (socket) => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nsince: expected a duration\n'),
    async (client) => {
      for (const ask of [
        () => client.get('/v1/status'),
        () => client.follow(new URLSearchParams(), { ...STREAM, onLines: async () => undefined }),
      ]) {
        const error = await t.throwsAsync(ask, { instanceOf: RefusedError });
        t.is(error.message, 'since: expected a duration');
        t.is(error.status, 400);
      }
    },
  ));

test('a stream: whole lines, an endless one passed over and counted, and a clear end', (t) =>
  withServer(
    (socket) => {
      socket.write(`${HEAD}\r\n{"a":1}\n{"b"`);
      setTimeout(() => {
        socket.write(':2}\n');
        const piece = Buffer.alloc(4 * 1024 * 1024, 'x');
        for (let i = 0; i < 5; i++) socket.write(piece);
        socket.end('\n{"c":3}\n{"half');
      }, 50);
    },
    async (client) => {
      const lines: string[] = [];
      let tooLong = 0;
      await client.follow(new URLSearchParams(), {
        ...STREAM,
        onLines: async (more) => void lines.push(...more),
        onTooLong: () => tooLong++,
      });
      t.deepEqual(lines, ['{"a":1}', '{"b":2}', '{"c":3}']);
      t.is(tooLong, 1);
    },
  ));

test('what the taker of lines throws comes through; a signal ends it without an error', (t) =>
  withServer(
    (socket) => socket.write(`${HEAD}\r\n{"a":1}\n`),
    async (client) => {
      const own = new Error('own');
      const error = await t.throwsAsync(
        client.follow(new URLSearchParams(), { ...STREAM, onLines: () => Promise.reject(own) }),
      );
      t.is(error, own);
      const asked = new AbortController();
      await client.follow(new URLSearchParams(), {
        ...STREAM,
        signal: asked.signal,
        onLines: async () => asked.abort(),
      });
    },
  ));
