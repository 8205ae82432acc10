import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createOutput, outputSchema } from '../../../agent/outputs/kinds.ts';
import type { Outcome } from '../../../agent/outputs/output.ts';
import { API } from '../../support/kafka/broker.ts';
import { framed, i16, i32, i64, list, str, write } from '../../support/kafka/wire.ts';
import { formattedBatch } from '../support/batches.ts';
import { toItem } from '../support/items.ts';
import { listening } from '../support/server.ts';
import { recordingTelemetry } from '../support/telemetry.ts';
import { execEvent } from '../../support/fake-helper.ts';

/** Events of 24 MB: far more than the buffers of two sockets hold, so that most of it stays here while nobody reads. */
const EVENTS = 1200;
const LONG = 'x'.repeat(20_000);
const ITEMS = Array.from({ length: EVENTS }, (_, i) => toItem(execEvent(i + 1, { argv: ['true', LONG] })));

async function outputFor(more: object) {
  const config = outputSchema.parse({ name: 'soc', timeout: '2s', ...more });
  const output = await createOutput(config, recordingTelemetry().telemetry);
  await output.open();
  const batch = formattedBatch(output.format!, ITEMS);
  let begun = 0;
  batch.stillWorking = () => void begun++;
  return Object.assign(output, {
    batch,
    /** Messages that were handed to the connection, in outputs with one for each record. */
    begun: () => begun,
    [Symbol.asyncDispose]: () => output.close(),
  });
}

const reasonOf = (outcome: Outcome): string => (outcome.kind === 'taken' ? 'taken' : outcome.reason);

/** A reply to a batch of which everything is taken, of each output over HTTP. */
const GOOD: Readonly<Record<string, string>> = {
  http: '',
  elasticsearch: JSON.stringify({ items: Array.from({ length: EVENTS }, () => ({ create: { status: 201 } })) }),
  loki: '',
  otlp: '',
};

const response = (status: number, body = ''): string =>
  `HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

for (const [type, body] of Object.entries(GOOD))
  for (const [status, reason] of [
    [200, /^the receiver answered before it had the whole request/u],
    [429, /^status 429/u],
  ] as const)
    test.serial(
      `${type}: status ${status} before the request has left: nothing is taken, and the next goes out`,
      async (t) => {
        await using server = await listening((socket, connection) => {
          if (connection > 1) return void socket.destroy();
          socket.once('data', () => void socket.pause().write(response(status, status === 200 ? body : '')));
        });
        await using output = await outputFor({
          type,
          url: `http://${server.address}/`,
          compression: 'none',
          batch: { max_bytes: '32MiB' },
        });
        const outcome = await output.send(output.batch);
        t.like(outcome, { kind: 'retry', taken: 0 });
        t.regex(reasonOf(outcome), reason);
        await output.send(output.batch);
        t.is(server.sockets.size, 2, 'it does not wait for the connection on which nobody reads');
      },
    );

test.serial('http: a receiver that answers first and reads then has the request', async (t) => {
  let read = 0;
  await using server = await listening((socket) => {
    socket.once('data', () => socket.write(response(200)));
    socket.on('data', (piece) => (read += piece.length));
  });
  await using output = await outputFor({
    type: 'http',
    url: `http://${server.address}/`,
    compression: 'none',
    timeout: '20s',
    batch: { max_bytes: '32MiB' },
  });
  t.is(reasonOf(await output.send(output.batch)), 'taken');
  // The end of it is still between the two sockets.
  const length = output.batch.lines.length;
  for (let i = 0; i < 500 && read < length; i++) await delay(10);
  t.true(read > length, `${read} of ${length}`);
});

test.serial('http: a status that accept.status takes for good is none before the request has left', async (t) => {
  await using server = await listening((socket) => {
    socket.once('data', () => void socket.pause().write(response(409)));
  });
  await using output = await outputFor({
    type: 'http',
    url: `http://${server.address}/`,
    compression: 'none',
    accept: { status: [409] },
    batch: { max_bytes: '32MiB' },
  });
  t.regex(
    reasonOf(await output.send(output.batch)),
    /^status 409 \(Conflict\), before the receiver had the whole request/u,
  );
});

/** Answers to a Kafka client, by the API that it asks for. */
function kafkaAnswer(api: number, port: number): Buffer {
  const versions = Object.values(API).map((key) => write(i16(key), i16(0), i16(key === API.metadata ? 7 : 3)));
  if (api === API.apiVersions) return write(i16(0), list(versions));
  if (api === API.produce)
    return write(list([write(str('t'), list([write(i32(0), i16(0), i64(0), i64(-1))]))]), i32(0));
  const partition = write(i16(0), i32(0), i32(1), i32(0), list([]), list([]), list([]));
  const broker = write(i32(1), str('127.0.0.1'), i32(port), i16(-1));
  return write(
    i32(0),
    list([broker]),
    i16(-1),
    i32(1),
    list([write(i16(0), str('t'), Buffer.of(0), list([partition]))]),
  );
}

test.serial('kafka: a confirmation before the batch has left is none', async (t) => {
  await using server = await listening((socket) => {
    socket.on('data', (piece) => {
      if (socket.isPaused()) return;
      const api = piece.readInt16BE(4);
      if (api === API.produce) socket.pause();
      socket.write(framed(piece.readInt32BE(8), kafkaAnswer(api, Number(server.address.split(':')[1]))));
    });
  });
  await using output = await outputFor({
    type: 'kafka',
    brokers: [server.address],
    topic: 't',
    compression: 'none',
    batch: { max_bytes: '32MiB' },
  });
  const outcome = await output.send(output.batch);
  t.like(outcome, { kind: 'retry', taken: 0 });
  t.regex(reasonOf(outcome), /the broker answers before it has the whole request/u);
});

test.serial(
  'nats: a server that acknowledges what it has not read is left, and what waits for it is bounded',
  async (t) => {
    await using server = await listening((socket) => {
      let inbox = '';
      let acknowledged = 0;
      socket.write('INFO {"headers":true,"max_payload":1048576}\r\n');
      socket.once('data', (piece) => {
        inbox = /SUB (\S+)\.\*/u.exec(piece.toString())![1]!;
        socket.pause().write('PONG\r\n');
        const timer = setInterval(() => {
          for (; acknowledged < output.begun(); acknowledged++) {
            const ack = '{"stream":"S","seq":1}';
            socket.write(`MSG ${inbox}.${acknowledged + 1} 1 ${ack.length}\r\n${ack}\r\n`);
          }
        }, 2);
        // A socket that is not read does not see its end.
        t.teardown(() => clearInterval(timer));
      });
    });
    await using output = await outputFor({ type: 'nats', servers: [`nats://${server.address}`], subject: 'probes' });
    const outcome = await output.send(output.batch);
    t.is(outcome.kind, 'retry');
    t.is(reasonOf(outcome), 'the server acknowledges messages that it has not read');
  },
);

test.serial('relp: no more is handed to a connection while nobody reads, whatever is answered', async (t) => {
  await using server = await listening((socket) => {
    let answered = 1;
    socket.once('data', () => {
      const greeting = '200 OK\ncommands=syslog';
      socket.write(`1 rsp ${greeting.length} ${greeting}\n`);
      socket.once('data', () => {
        socket.pause();
        const timer = setInterval(() => {
          for (; answered <= output.begun(); answered++) socket.write(`${answered + 1} rsp 6 200 OK\n`);
        }, 2);
        t.teardown(() => clearInterval(timer));
      });
    });
  });
  await using output = await outputFor({ type: 'syslog', transport: 'relp', address: server.address });
  t.regex(reasonOf(await output.send(output.batch)), /\(timeout\)$/u);
  t.true(output.begun() < EVENTS, String(output.begun()));
});
