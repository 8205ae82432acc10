import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Receiver } from '../../../support/receiver.ts';
import { exec } from '../../support/items.ts';
import { listening } from '../../support/server.ts';
import { batchFor, outputFor } from './support.ts';

const ITEMS = [exec(1), exec(2)];

/** Answers the first piece of a request with these bytes, then ends the connection if asked to. */
const saying =
  (text: string, end = true) =>
  (socket: Socket): void =>
    void socket.once('data', () => (end ? socket.end(text) : socket.write(text)));

/** Writes for as long as it is read. @returns how many bytes it could write */
function flood(socket: Socket, piece: string): () => number {
  let written = 0;
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece)) written += piece.length;
  };
  socket.on('drain', more);
  socket.once('data', more);
  return () => written;
}

const slowly =
  (begin: string, piece: string) =>
  (socket: Socket): void => {
    socket.once('data', () => {
      socket.write(begin);
      const timer = setInterval(() => socket.write(piece), 20);
      socket.on('close', () => clearInterval(timer));
    });
  };

const BAD: ReadonlyArray<readonly [string, (socket: Socket) => void, RegExp]> = [
  ['answers garbage', saying('\0\u0001 garbage\r\n\r\n'), /^the receiver does not answer in HTTP/u],
  ['speaks another protocol', saying('220 mail.example ESMTP\r\n'), /^the receiver does not answer in HTTP/u],
  [
    'answers half a status line',
    saying('HTTP/1.1 20'),
    /^the receiver (?:ended the connection|does not answer in HTTP)/u,
  ],
  [
    'answers half a header',
    saying('HTTP/1.1 200 OK\r\nContent-Le'),
    /^the receiver (?:ended the connection|does not answer in HTTP)/u,
  ],
  ['answers half a body', saying('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'), /^the reply was cut off$/u],
  [
    'answers half a chunk',
    saying('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf'),
    /^the reply was cut off$/u,
  ],
  [
    'answers a body of garbage chunks',
    saying('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
    /^the reply was cut off$/u,
  ],
  ['closes at once', (socket) => socket.destroy(), /^the receiver ended the connection/u],
  [
    'closes after the request',
    (socket) => void socket.once('data', () => socket.end()),
    /^the receiver ended the connection/u,
  ],
  [
    'resets the connection',
    (socket) => void socket.once('data', () => socket.resetAndDestroy()),
    /^the receiver ended the connection/u,
  ],
  ['says nothing at all', () => undefined, /^no answer in time \(timeout\)$/u],
  ['never reads', (socket) => socket.pause(), /^no answer in time \(timeout\)$/u],
  [
    'sends headers without end',
    (socket) => void flood(socket, 'HTTP/1.1 200 OK\r\nX: y\r\n'),
    /^the receiver does not answer in HTTP/u,
  ],
  ['sends headers slowly', slowly('HTTP/1.1 200 OK\r\n', 'A'), /^no answer in time \(timeout\)$/u],
  [
    'sends a body slowly',
    slowly('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n', 'A'),
    /^the reply did not end in time \(timeout\)$/u,
  ],
  ['goes on with 100 Continue', slowly('', 'HTTP/1.1 100 Continue\r\n\r\n'), /^no answer in time \(timeout\)$/u],
  [
    'switches protocols',
    saying('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', false),
    /./u,
  ],
];

/** Short where time is to run out; with room for the reply to begin where it is to begin. */
function timeoutFor({ source }: RegExp): string {
  if (!source.includes('timeout')) return '20s';
  return source.includes('did not end') ? '3s' : '500ms';
}

for (const [what, serve, reason] of BAD) {
  test.serial(`a receiver that ${what}: the batch is to be sent again`, async (t) => {
    await using server = await listening(serve);
    await using output = await outputFor(`http://${server.address}/`, { timeout: timeoutFor(reason) });
    const begun = performance.now();
    const outcome = await output.send(batchFor(output, ITEMS));
    t.true(performance.now() - begun < 15_000);
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex((outcome as { reason: string }).reason, reason);
  });
}

for (const [code, kind] of [
  [200, 'taken'],
  [500, 'retry'],
] as const) {
  test.serial(
    `a reply of status ${code} without end: 64 KiB are read, the status counts, and the connection is dropped`,
    async (t) => {
      const written: Array<() => number> = [];
      await using server = await listening((socket) => {
        socket.once('data', () => socket.write(`HTTP/1.1 ${code} X\r\nTransfer-Encoding: chunked\r\n\r\n`));
        written.push(flood(socket, `1000\r\n${'x'.repeat(4096)}\r\n`));
      });
      await using output = await outputFor(`http://${server.address}/`);
      for (let i = 0; i < 3; i++) t.is((await output.send(batchFor(output, ITEMS))).kind, kind);
      await Promise.all(
        [...server.sockets].map((socket) => socket.closed || new Promise((resolve) => socket.on('close', resolve))),
      );
      t.is(server.sockets.size, 3, 'each on a connection of its own');
      t.true(
        written.every((bytes) => bytes() < 16 * 1024 * 1024),
        String(written.map((bytes) => bytes())),
      );
    },
  );
}

test.serial('nobody listens, and names that do not exist: the batch is to be sent again', async (t) => {
  const receiver = await new Receiver().listen();
  const { url } = receiver;
  await receiver.stop();
  for (const [address, reason] of [
    [url, /^nobody listens there \(ECONNREFUSED\)$/u],
    [
      'http://nowhere.invalid/',
      /^its name (?:is not known|could not be resolved just now) \((?:ENOTFOUND|EAI_AGAIN)\)$/u,
    ],
  ] as const) {
    await using output = await outputFor(address);
    const outcome = await output.send(batchFor(output, ITEMS));
    t.like(outcome, { kind: 'retry' });
    t.regex((outcome as { reason: string }).reason, reason);
  }
});

test.serial(
  'a connection that the receiver closes while it is idle is no failure: the request is sent once more',
  async (t) => {
    let requests = 0;
    await using server = await listening((socket) => {
      let used = false;
      socket.on('data', () => {
        requests++;
        // To the agent this looks as if both had happened at once.
        if (used) return void socket.resetAndDestroy();
        used = true;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
    });
    await using output = await outputFor(`http://${server.address}/`);
    for (let i = 1; i <= 5; i++) t.deepEqual(await output.send(batchFor(output, [exec(i)])), { kind: 'taken' });
    t.is(requests, 9);
  },
);

for (const [when, pause] of [
  ['at once', 0],
  ['a moment later', 100],
] as const) {
  test.serial(`a second reply to one request, ${when}, is not taken for the reply to the next`, async (t) => {
    const reply = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    await using server = await listening((socket) => {
      socket.once('data', () => {
        if (pause === 0) return void socket.write(reply + reply);
        socket.write(reply);
        setTimeout(() => socket.write(reply), pause / 2);
      });
    });
    // The receiver has a first request on a connection alone, and answers no other.
    await using output = await outputFor(`http://${server.address}/`, { timeout: '500ms' });
    t.is((await output.send(batchFor(output, [exec(1)]))).kind, 'taken');
    await delay(pause);
    const before = server.sockets.size;
    const outcome = await output.send(batchFor(output, [exec(2)]));
    t.true(outcome.kind === 'retry' || server.sockets.size > before, 'only a connection of its own has answered it');
  });
}

test.serial('a receiver that cuts off what is too large for it, without a word, gets smaller parts', async (t) => {
  const longest = 100_000;
  let taken = 0;
  await using server = await listening((socket) => {
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      const [, length, body = ''] = /content-length: (\d+)[^]*?\r\n\r\n([^]*)/iu.exec(text) ?? [];
      if (Number(length) > longest) return void socket.resetAndDestroy();
      if (body.length < Number(length)) return;
      taken += body.trimEnd().split('\n').length;
      text = '';
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
  });
  await using output = await outputFor(`http://${server.address}/`, { batch: { max_bytes: '8MiB' } });
  const large = exec(1);
  const batch = batchFor(
    output,
    Array.from({ length: 4000 }, () => large),
  );
  const outcomes: string[] = [];
  while (outcomes.length < 20 && outcomes.at(-1) !== 'taken') outcomes.push((await output.send(batch)).kind);
  t.is(outcomes.at(-1), 'taken');
  t.true(outcomes.length > 3);
  t.is(taken, 4000, 'and what is cut off was not taken');
});
