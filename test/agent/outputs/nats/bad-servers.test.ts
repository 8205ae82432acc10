import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { exec } from '../../support/items.ts';
import { StandIn, stores } from './server.ts';
import { batchFor, outputFor, reasonIn } from './support.ts';

const INFO = 'INFO {"server_id":"x","version":"2.9.10","headers":true,"max_payload":1048576}\r\n';

/** Says these bytes, then what follows each piece that comes in. */
const saying =
  (text: string, ...then: string[]) =>
  (socket: Socket): void => {
    const left = [...then];
    socket.write(text);
    socket.on('data', () => void socket.write(left.shift() ?? ''));
  };

/** Writes for as long as it is read. */
const flooding =
  (begin: string, piece: string) =>
  (socket: Socket): void => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.write(begin);
    socket.on('drain', more);
    socket.resume();
    more();
  };

const IS_NONE = /^it (?:does not speak the NATS protocol|sends a line without end: it is no NATS server)$/u;
const ENDED = /^the (?:server|receiver) ended the connection/u;
const NO_ANSWER = /^no answer in time \(timeout\)$/u;
const NO_ACK = /^no acknowledgement in time \(timeout\)/u;

const BAD: ReadonlyArray<readonly [string, (socket: Socket) => void, RegExp]> = [
  ['says nothing at all', () => undefined, NO_ANSWER],
  ['closes at once', (socket) => void socket.end(), ENDED],
  ['resets the connection', (socket) => void socket.resetAndDestroy(), ENDED],
  ['speaks another protocol', saying('220 mail.example ESMTP\r\n'), IS_NONE],
  ['says garbage', saying('\0\u0001 garbage\r\n\r\n'), IS_NONE],
  ['says garbage without end', flooding('', '\0'.repeat(4096)), IS_NONE],
  ['says half an INFO', saying('INFO {"server_id":'), NO_ANSWER],
  ['says half an INFO and ends', (socket) => void socket.end('INFO {"server_id":'), ENDED],
  ['says an INFO without end', flooding('INFO {"server_id":"', 'x'.repeat(4096)), IS_NONE],
  ['says an INFO that is no JSON', saying('INFO {hunter2}\r\n'), IS_NONE],
  ['says an INFO that is no object', saying('INFO null\r\n'), IS_NONE],
  ['says an INFO without max_payload', saying('INFO {"headers":true}\r\n'), IS_NONE],
  ['says an INFO with a strange max_payload', saying('INFO {"headers":true,"max_payload":-1}\r\n'), IS_NONE],
  ['has no headers', saying('INFO {"max_payload":1048576}\r\n'), /older than 2\.2/u],
  ['says nothing after CONNECT', saying(INFO), NO_ANSWER],
  ['says garbage after CONNECT', saying(INFO, 'hunter2\r\n'), IS_NONE],
  ['says INFO for ever', flooding('', INFO), /^(?:the server sends more than it was asked for|no answer in time)/u],
  ['pings for ever', flooding(INFO, 'PING\r\n'), /^the server sends more than it was asked for$/u],
  ['acknowledges nothing', saying(INFO, 'PONG\r\n'), NO_ACK],
  ['answers what nobody asked', saying(INFO, 'PONG\r\n', 'MSG _INBOX.x.7 1 2\r\n{}\r\n'), NO_ACK],
  [
    'announces a gigabyte',
    saying(INFO, 'PONG\r\n', 'MSG a 1 999999999\r\n'),
    /^it sends a message that is no acknowl/u,
  ],
  ['announces nonsense', saying(INFO, 'PONG\r\n', 'HMSG a 1 9 2\r\n'), IS_NONE],
  ['announces no size', saying(INFO, 'PONG\r\n', 'MSG a\r\n'), IS_NONE],
  ['sends half a message', saying(INFO, 'PONG\r\n', 'MSG a 1 10\r\nhalf'), NO_ACK],
  ['sends more of a message than it said', saying(INFO, 'PONG\r\n', 'MSG a 1 2\r\nhunter2\r\n'), IS_NONE],
  ['floods with messages', flooding(`${INFO}PONG\r\n`, 'MSG a 1 2\r\n{}\r\n'), /^the server sends more than it was/u],
  ['says garbage in place of an acknowledgement', saying(INFO, 'PONG\r\n', 'hunter2\r\n'), IS_NONE],
  ['reports an error', saying(INFO, 'PONG\r\n', "-ERR 'hunter2'\r\n"), /an error that the agent does not know/u],
  [
    'forbids the subject',
    saying(INFO, 'PONG\r\n', '-ERR \'Permissions Violation for Publish to "probes.x"\'\r\n'),
    /^the server does not let this user publish/u,
  ],
  [
    'forbids the inbox',
    saying(INFO, '-ERR \'Permissions Violation for Subscription to "_INBOX.x.*"\'\r\nPONG\r\n'),
    /^the server does not let this user subscribe to its inbox.*inbox_prefix/u,
  ],
  [
    'takes no more connections',
    saying(`${INFO}-ERR 'maximum connections exceeded'\r\n`),
    /^the server takes no further connections/u,
  ],
  ['takes the port for another one', saying("-ERR 'Attempted To Connect To Route Port'\r\n"), /not for clients/u],
];

for (const [what, serve, reason] of BAD) {
  test.serial(`a server that ${what}: the batch is to be sent again, and nothing stays behind`, async (t) => {
    await using server = await new StandIn().listen();
    server.serve = serve;
    const waits = /timeout/u.test(reason.source) && !reason.source.includes('asked');
    await using output = await outputFor(server.url, { timeout: waits ? '500ms' : '20s' });
    const batch = batchFor(output, [exec(1), exec(2)]);
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      const outcome = await output.send(batch);
      t.true(performance.now() - begun < 15_000);
      t.is(outcome.kind, 'retry');
      t.is((outcome as { taken?: number }).taken ?? 0, 0);
      t.regex(reasonIn(outcome), reason);
      t.notRegex(reasonIn(outcome), /hunter2/u);
    }
    for (let i = 0; i < 100 && server.sockets.size > 0; i++) await delay(20);
    t.is(server.sockets.size, 0, 'no connection is left open');
    // And it is not what fails for good.
    server.serve = undefined;
    t.is((await output.send(batch)).kind, 'taken');
  });
}

for (const limit of [0, -5])
  test.serial(`a max_payload that becomes ${limit} refuses no event: the connection is left`, async (t) => {
    await using server = await new StandIn().listen();
    server.answers.push(async (message, place) => {
      for (const socket of place.sockets) socket.write(`INFO {"headers":true,"max_payload":${limit}}\r\n`);
      await delay(50);
      return stores(message, place);
    });
    await using output = await outputFor(server.url);
    t.regex(reasonIn(await output.send(batchFor(output, [exec(1)]))), IS_NONE);
    t.deepEqual(await output.send(batchFor(output, [exec(1)])), { kind: 'taken' });
  });

test.serial('nobody listens, and names that do not exist: the batch is to be sent again', async (t) => {
  await using server = await new StandIn().listen();
  await server.stop();
  for (const [url, reason] of [
    [server.url, /^nobody listens there \(ECONNREFUSED\)$/u],
    ['nats://nowhere.invalid', /^its name (?:is not known|could not be resolved just now)/u],
  ] as const) {
    await using output = await outputFor(url);
    const outcome = await output.send(batchFor(output, [exec(1)]));
    t.regex(reasonIn(outcome), reason);
  }
});

test.serial('a slow server is waited for as long as each acknowledgement comes in time', async (t) => {
  await using server = await new StandIn().listen();
  server.answer = async (message, place) => {
    await delay(200);
    return stores(message, place);
  };
  await using output = await outputFor(server.url, { timeout: '1s' });
  const begun = performance.now();
  for (let i = 0; i < 7; i++) t.is((await output.send(batchFor(output, [exec(i)]))).kind, 'taken');
  t.true(performance.now() - begun > 1200);
  t.is(server.connects.length, 1);
});

test.serial('a flood on an idle connection ends it; the next batch has a new one', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url);
  await output.send(batchFor(output, [exec(1)]));
  for (const socket of server.sockets) flooding('', 'MSG a 1 2\r\n{}\r\n')(socket);
  for (let i = 0; i < 500 && server.sockets.size > 0; i++) await delay(10);
  t.is(server.sockets.size, 0);
  t.is((await output.send(batchFor(output, [exec(2)]))).kind, 'taken');
  t.is(server.connects.length, 2);
});

test.serial('two answers to one message, or an answer in pieces, are one answer', async (t) => {
  await using server = await new StandIn().listen();
  server.serve = (socket) => {
    socket.write(INFO.slice(0, 10));
    setTimeout(() => socket.write(INFO.slice(10)), 20);
    let seq = 0;
    socket.on('data', (piece) => {
      if (piece.includes('CONNECT')) return void socket.write('+OK\r\nPONG\r\n');
      for (const [, reply] of piece.toString().matchAll(/HPUB \S+ (\S+) /gu)) {
        const ack = JSON.stringify({ stream: 'S', seq: ++seq });
        const text = `MSG ${reply} 1 ${ack.length}\r\n${ack}\r\n`;
        for (const letter of text + text) socket.write(letter);
      }
    });
  };
  await using output = await outputFor(server.url);
  for (let i = 1; i <= 3; i++) t.deepEqual(await output.send(batchFor(output, [exec(i)])), { kind: 'taken' });
});
