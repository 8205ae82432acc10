import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import test from 'ava';
import { API, KafkaBroker, type KafkaAnswer } from '../../../support/kafka/broker.ts';
import { framed, i16, i32, list, str, write } from '../../../support/kafka/wire.ts';
import { exec } from '../../support/items.ts';
import { listening } from '../../support/server.ts';
import { batchFor, outputFor, sent } from './support.ts';

const ITEMS = [exec(1), exec(2)];

/** Answers the first piece of a request with these bytes, then ends the connection if asked to. */
const saying =
  (bytes: string | Buffer, end = false) =>
  (socket: Socket): void =>
    void socket.once('data', () => (end ? socket.end(bytes) : socket.write(bytes)));

const NO_KAFKA = /: the broker's reply is not what Kafka's protocol asks for/u;
const ENDED = /: the broker ended the connection/u;
const TIMEOUT = /: no answer in time \(timeout\)$/u;

const STRANGERS: ReadonlyArray<readonly [string, (socket: Socket) => void, RegExp]> = [
  ['answers garbage', saying('\0\u0001 garbage\r\n\r\n'), TIMEOUT],
  ['answers HTTP', saying('HTTP/1.1 400 Bad Request\r\n\r\n'), NO_KAFKA],
  ['greets like a mail server', (socket) => void socket.resume().write('220 mail.example ESMTP\r\n'), NO_KAFKA],
  ['wants TLS', saying(Buffer.from('15030300020246', 'hex')), /: the broker speaks TLS on that port; add tls$/u],
  ['answers a length of less than nothing', saying(Buffer.from('ffffffff00000001', 'hex')), NO_KAFKA],
  ['answers a length of 2 GiB', saying(Buffer.from('7fffffff00000001', 'hex')), NO_KAFKA],
  ['answers half a length', saying(Buffer.from('0000', 'hex'), true), ENDED],
  ['answers half a reply', saying(Buffer.from('000000200000000100', 'hex'), true), ENDED],
  ['answers half a reply and waits', saying(Buffer.from('000000200000000100', 'hex')), TIMEOUT],
  ['answers to another request', saying(framed(77, Buffer.alloc(6))), NO_KAFKA],
  ['answers twice', saying(Buffer.concat([framed(1, Buffer.alloc(6)), framed(2, Buffer.alloc(6))])), NO_KAFKA],
  ['answers an empty reply', saying(framed(1, Buffer.alloc(0))), NO_KAFKA],
  ['answers that it has 2^31 - 1 versions', saying(framed(1, write(i16(0), i32(0x7fffffff)))), NO_KAFKA],
  ['closes at once', (socket) => socket.destroy(), ENDED],
  ['closes after the request', (socket) => void socket.once('data', () => socket.end()), ENDED],
  [
    'resets the connection',
    (socket) => void socket.once('data', () => socket.resetAndDestroy()),
    /ended the connection/u,
  ],
  ['says nothing at all', (socket) => void socket.resume(), TIMEOUT],
  ['never reads', (socket) => socket.pause(), TIMEOUT],
];

for (const [what, serve, reason] of STRANGERS) {
  test.serial(`a receiver that ${what}: the batch is to be sent again`, async (t) => {
    await using server = await listening(serve);
    await using output = await outputFor(server.address, { timeout: '500ms' });
    const begun = performance.now();
    for (let i = 0; i < 2; i++) {
      const outcome = await output.send(batchFor(output, ITEMS));
      t.like(outcome, { kind: 'retry', taken: 0 });
      t.regex((outcome as { reason: string }).reason, reason);
    }
    t.true(performance.now() - begun < 10_000);
    await output.close();
    for (let i = 0; i < 100 && [...server.sockets].some(({ destroyed }) => !destroyed); i++) await delay(10);
    // A socket that never reads does not see its end.
    if (what !== 'never reads')
      t.true(
        [...server.sockets].every(({ destroyed }) => destroyed),
        'no connection is left',
      );
  });
}

test.serial('a reply without end is not kept', async (t) => {
  let written = 0;
  await using server = await listening((socket) => {
    const piece = Buffer.alloc(64 * 1024, 1);
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece)) written += piece.length;
    };
    socket.once('data', () => {
      socket.write(Buffer.from('000fffff00000001', 'hex'));
      more();
    });
    socket.on('drain', more);
  });
  await using output = await outputFor(server.address, { timeout: '2s' });
  t.regex(await sent(output, ITEMS), NO_KAFKA);
  // Bytes beyond the longest reply were in the buffers of the two sockets.
  t.true(written < 16 * 1024 * 1024, String(written));
});

test.serial('bytes that nobody asked for end the connection; the next batch goes through another', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address);
  broker.answer = ({ api }) => (api === API.produce ? (usual) => Buffer.concat([usual, usual]) : undefined);
  t.regex(await sent(output, ITEMS), NO_KAFKA);
  broker.answer = () => undefined;
  t.is(await sent(output, ITEMS), 'taken');
  t.is(broker.connections, 2);
});

const produced = (topic: string, ...partitions: number[]): Buffer =>
  write(list([write(str(topic), list(partitions.map((id) => write(i32(id), i16(0), Buffer.alloc(24)))))]), i32(0));

const metadata = (
  host: string,
  port: number,
  { node = 1, leader = 1, topic = 'events', partitions = [0] } = {},
): Buffer =>
  write(
    i32(0),
    list([write(i32(node), str(host), i32(port), i16(-1))]),
    i16(-1),
    i32(1),
    list([
      write(
        i16(0),
        str(topic),
        Buffer.of(0),
        list(partitions.map((id) => write(i16(0), i32(id), i32(leader), i32(0), list([]), list([]), list([])))),
      ),
    ]),
  );

const WRONG: ReadonlyArray<readonly [string, number, Buffer, RegExp]> = [
  ['confirms another topic', API.produce, produced('other', 0, 1, 2), NO_KAFKA],
  ['confirms another partition', API.produce, produced('events', 77), NO_KAFKA],
  ['confirms no partition', API.produce, produced('events'), NO_KAFKA],
  ['confirms all partitions', API.produce, produced('events', 0, 1, 2), NO_KAFKA],
  ['confirms nothing', API.produce, write(list([]), i32(0)), NO_KAFKA],
  ['describes another topic', API.metadata, metadata('127.0.0.1', 1, { topic: 'other' }), NO_KAFKA],
  [
    'describes a topic without partitions',
    API.metadata,
    metadata('127.0.0.1', 1, { partitions: [] }),
    /LEADER_NOT_AVAILABLE/u,
  ],
  ['describes other partitions', API.metadata, metadata('127.0.0.1', 1, { partitions: [7] }), NO_KAFKA],
  ['names a leader that does not exist', API.metadata, metadata('127.0.0.1', 1, { node: 2 }), /LEADER_NOT_AVAILABLE/u],
  ['names no leader', API.metadata, metadata('127.0.0.1', 1, { node: -1, leader: -1 }), /LEADER_NOT_AVAILABLE/u],
  ['names a leader without a host', API.metadata, metadata('', 1), NO_KAFKA],
  ['names a leader with an endless host', API.metadata, metadata('a'.repeat(300), 1), NO_KAFKA],
  ['names a leader that would colour a terminal', API.metadata, metadata('\u001b[31mhost', 1), NO_KAFKA],
  ['names a leader at port 0', API.metadata, metadata('127.0.0.1', 0), NO_KAFKA],
  ['names a leader at a port beyond all', API.metadata, metadata('127.0.0.1', 65_536), NO_KAFKA],
];

for (const [what, api, body, reason] of WRONG) {
  test.serial(`a broker that ${what}: the batch is to be sent again`, async (t) => {
    await using broker = await new KafkaBroker().listen();
    await using output = await outputFor(broker.address);
    broker.answer = (request) => (request.api === api ? framed(request.correlation, body) : undefined);
    const outcome = await output.send(batchFor(output, ITEMS));
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex((outcome as { reason: string }).reason, reason);
    broker.answer = () => undefined;
    t.is(await sent(output, ITEMS), 'taken');
  });
}

test.serial(
  'replies of which some bytes are changed never count as a confirmation of what was not stored, and never hang',
  async (t) => {
    t.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(
        // Not metadata: it would send the agent to other machines.
        fc.constantFrom(API.produce, API.apiVersions),
        fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        async (api, changes) => {
          await using broker = await new KafkaBroker().listen();
          await using output = await outputFor(broker.address, { timeout: '100ms' });
          broker.answer = (request): KafkaAnswer | undefined =>
            request.api === api
              ? (usual) => {
                  for (const [place, byte] of changes) usual[place % usual.length] = byte;
                  return usual;
                }
              : undefined;
          const { kind } = await output.send(batchFor(output, ITEMS));
          if (kind === 'taken') t.is(broker.stored.length, 2);
          t.true(['taken', 'retry', 'refused'].includes(kind));
        },
      ),
      { numRuns: 150 },
    );
  },
);

test.serial('a slow broker has its time; one that is slower than that gets the batch again', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address, { timeout: '3s' });
  t.is(await sent(output, [exec(1)]), 'taken');
  broker.delayMs = 200;
  t.is(await sent(output, [exec(2)]), 'taken');
  t.true(broker.produced.at(-1)!.timeoutMs <= 3000, 'the replicas get no more time than the agent waits');
  broker.delayMs = 4000;
  t.regex(await sent(output, [exec(3)]), TIMEOUT);
  broker.delayMs = 0;
  t.is(await sent(output, [exec(3)]), 'taken');
  t.deepEqual(broker.seqs, [1, 2, 3, 3]);
});

test.serial('nobody who listens, and a name that does not exist, are named', async (t) => {
  await using broker = await new KafkaBroker().listen();
  const { address } = broker;
  await broker.stop();
  await using output = await outputFor(address);
  t.regex(await sent(output, ITEMS), /^127\.0\.0\.1:\d+: nobody listens there \(ECONNREFUSED\)$/u);
  await using other = await outputFor('no-such-host.invalid:9092');
  t.regex(await sent(other, ITEMS), /^no-such-host\.invalid:9092: its name (?:is not known|could not be resolved)/u);
});
