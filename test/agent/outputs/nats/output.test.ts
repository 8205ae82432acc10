import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { hostId } from '../../../../agent/formats/host-id.ts';
import { linesOf } from '../../support/outputs.ts';
import { execEvent } from '../../../support/fake-helper.ts';
import { exec, gap, toItem } from '../../support/items.ts';
import { error, noResponders, StandIn, stores } from './server.ts';
import { batchFor, emptyFolder, outputFor, reasonIn } from './support.ts';

const range = (count: number) => Array.from({ length: count }, (_, i) => exec(i + 1));
const seqsOf = (server: StandIn): unknown[] =>
  server.stored.map(({ payload }) => (JSON.parse(payload) as { seq?: number }).seq);

test('each line is a message of its own, with a subject and an id that stays the same', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url, { stream: 'PROBES' });
  const items = [
    exec(1),
    gap(2, 4),
    toItem({ type: 'a.b *>\n', text: '{"type":"fake"}' }),
    toItem({ nested: { type: 'fake' }, type: 'exit', seq: 5 }),
    toItem({ ...execEvent(6), seal: 12 }),
    toItem({ type: 'seal', seal: 1, from: 1, to: 1, seq: 7 }),
  ];
  const batch = batchFor(output, items);
  t.deepEqual(await output.send(batch), { kind: 'taken' });
  t.deepEqual(
    server.stored.map(({ subject }) => subject),
    ['exec', 'gap', 'a_b____', 'exit', 'exec', 'seal'].map((type) => `probes.${hostId()}.${type}`),
  );
  const ids = server.stored.map(({ headers }) => headers['Nats-Msg-Id']!);
  const [event, hole, unnumbered, other, , seal] = ids;
  t.is(event, 'boot:1:soc');
  t.regex(hole!, /^boot:2-4:[0-9a-f]{16}:soc$/u);
  t.regex(unnumbered!, /^boot:-:[0-9a-f]{16}:soc$/u);
  t.is(other, 'boot:5:soc');
  t.regex(seal!, /^boot:7-7:[0-9a-f]{16}:soc$/u);
  t.true(server.stored.every(({ headers }) => headers['Nats-Expected-Stream'] === 'PROBES'));
  t.is(server.stored.map(({ payload }) => `${payload}\n`).join(''), batch.lines.toString());
  t.deepEqual(await output.send(batch), { kind: 'taken' }, 'what the stream has already counts as taken');
  t.is(server.stored.length, items.length);
  t.is(server.connects.length, 1);
});

test('with each message the batch is known to be worked on, and also while max_rate makes it wait', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url, { max_rate: 2 });
  let told = 0;
  const batch = { ...batchFor(output, range(3)), stillWorking: () => void told++ };
  await output.send(batch);
  t.is(told, 3);
  await output.send(batch);
  t.is(told, 3 + 1 + 3);
});

test('a line under another seal, of another output or of another boot is another message', async (t) => {
  await using server = await new StandIn().listen();
  for (const [name, seal, boot] of [
    ['soc', 1, 'a'],
    ['soc', 2, 'a'],
    ['lake', 1, 'a'],
    ['soc', 1, 'b'],
  ] as const) {
    await using output = await outputFor(server.url, { name });
    const { format } = output;
    // The seal is the last field of a line.
    output.format = {
      encode: (item, context) => {
        const line = Buffer.concat([...(format!.encode(item, context) as readonly Uint8Array[])]).toString();
        return [Buffer.from(`${line.slice(0, -1)},"seal":${seal}}`)];
      },
    };
    t.is((await output.send(batchFor(output, [exec(1)], boot))).kind, 'taken');
  }
  t.deepEqual(
    server.stored.map(({ headers }) => headers['Nats-Msg-Id']),
    ['a:1:soc:1', 'a:1:soc:2', 'a:1:lake:1', 'b:1:soc:1'],
  );
});

test('a subject has the values asked for, each as one word', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url, { subject: 'soc.{stream}.{boot_id}.{type}', name: 'a.b' });
  await output.send(batchFor(output, [exec(1)], 'b*o >t'));
  t.is(server.stored[0]!.subject, 'soc.a_b.b_o__t.exec');
  t.is(server.stored[0]!.headers['Nats-Msg-Id'], 'b*o_>t:1:a.b');
});

/** Answers a moment later. @returns the most that were unanswered at a time, by a measure */
function slowly(server: StandIn, measure: (payload: string) => number): () => number {
  let unanswered = 0;
  let most = 0;
  server.answer = async (message, place) => {
    const much = measure(message.payload);
    most = Math.max(most, (unanswered += much));
    await delay(20);
    unanswered -= much;
    return stores(message, place);
  };
  return () => most;
}

test('thousands of messages: in order, and never more than 256 unanswered', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url);
  const most = slowly(server, () => 1);
  t.deepEqual(await output.send(batchFor(output, range(5000))), { kind: 'taken' });
  t.deepEqual(
    seqsOf(server),
    Array.from({ length: 5000 }, (_, i) => i + 1),
  );
  t.is(most(), 256);
});

test('messages of megabytes: no more than 4 MiB unanswered, and no message is torn', async (t) => {
  await using server = await new StandIn().listen();
  server.info = { max_payload: 8 * 1024 * 1024 };
  await using output = await outputFor(server.url);
  const large = [1, 2, 3, 4, 5, 6].map((seq) => toItem(execEvent(seq, { command: 'x'.repeat(1_500_000) })));
  const most = slowly(server, (payload) => payload.length);
  t.deepEqual(await output.send(batchFor(output, large)), { kind: 'taken' });
  t.deepEqual(seqsOf(server), [1, 2, 3, 4, 5, 6]);
  t.true(most() > 1_500_000 && most() <= 4 * 1024 * 1024, String(most()));
});

test('without a stream one message goes out an attempt, and the reason says what to type', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url);
  const batch = batchFor(output, range(300));
  server.answer = noResponders;
  for (let i = 1; i <= 3; i++) {
    const outcome = await output.send(batch);
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex(
      reasonIn(outcome),
      /^no JetStream stream has the subject; .*nats stream add PROBES --subjects 'probes\.>'/u,
    );
    t.is(server.published.length, i);
  }
  server.answer = stores;
  t.is((await output.send(batch)).kind, 'taken');
  t.is(server.stored.length, 300);
  t.is(server.connects.length, 1);
});

for (const [what, answer, reason] of [
  ['full by bytes', error(10_077, 'maximum bytes exceeded'), /^the stream is full \(max_bytes\) .*\(error 10077\)$/u],
  ['full by messages', error(10_077, 'maximum messages exceeded'), /^the stream is full \(max_msgs\)/u],
  ['full by subject', error(10_077, 'maximum messages per subject exceeded'), /max_msgs_per_subject/u],
  ['failing', error(10_077, 'secret'), /^the stream could not store the event \(error 10077\)$/u],
  ['overloaded', error(10_167, 'too many requests', 429), /more than it can store just now \(error 10167\)$/u],
  [
    'another one',
    error(10_060, 'expected stream does not match', 400),
    /another stream than PROBES.*\(error 10060\)$/u,
  ],
  ['strange', error(99_999, 'secret'), /^the stream did not take the event \(error 99999\)$/u],
  ['without a number', () => ({ error: 'secret' }), /^the stream did not take the event \(error without a number\)$/u],
  ['not the one that acknowledges', () => ({ stream: 'OTHER', seq: 1 }), /another stream than PROBES/u],
  ['no stream', () => 'secret', /^the reply is no acknowledgement of JetStream/u],
  ['no stream, but JSON', () => '[1]', /^the reply is no acknowledgement of JetStream/u],
  ['an empty answer', () => '', /^the reply is no acknowledgement of JetStream/u],
  ['another status', () => 408, /^status 408 in place of an acknowledgement$/u],
] as const) {
  test(`a stream that is ${what}: what is in front counts as taken, the rest is sent again, in order`, async (t) => {
    await using server = await new StandIn().listen();
    await using output = await outputFor(server.url, { stream: 'PROBES' });
    const items = range(400);
    const failing = (message: { payload: string }): boolean => message.payload.includes('"seq":101,');
    server.answer = (message, place) => (failing(message) ? answer(message, place) : stores(message, place));
    const outcome = await output.send(batchFor(output, items));
    t.like(outcome, { kind: 'retry', taken: 100 });
    t.regex(reasonIn(outcome), reason);
    t.notRegex(reasonIn(outcome), /secret/u);
    const before = server.published.length;
    t.true(before <= 101 + 256, `${before}: nothing is begun behind one that failed`);
    // Not taken again: one a time, as long as it fails.
    const rest = batchFor(output, items.slice(100));
    t.like(await output.send(rest), { kind: 'retry', taken: 0 });
    t.is(server.published.length, before + 1);
    server.answer = stores;
    t.is((await output.send(rest)).kind, 'taken');
    t.is(new Set(seqsOf(server)).size, 400);
  });
}

test('events that are too large are refused, alone, and go into the dead_letter file with the reply', async (t) => {
  await using server = await new StandIn().listen();
  server.info = { max_payload: 3000 };
  const path = join(emptyFolder(), 'dead.jsonl');
  await using output = await outputFor(server.url, { dead_letter: { path } });
  const items = range(20);
  items[4] = toItem(execEvent(5, { command: 'x'.repeat(3000) }));
  server.answer = (message, place) =>
    message.payload.includes('"seq":9,')
      ? error(10_054, 'message size exceeds maximum allowed', 400)(message, place)
      : stores(message, place);
  t.like(await output.send(batchFor(output, items)), { kind: 'refused', records: [4, 8], through: 20 });
  t.is(server.published.length, 19, 'a server ends the connection at a message that is larger than it takes');
  t.is(server.stored.length, 18);
  const letters = linesOf(readFileSync(path, 'utf8')).map((line) => JSON.parse(line) as Record<string, unknown>);
  t.deepEqual(
    letters.map(({ event, reason }) => [(event as { seq: number }).seq, reason]),
    [
      [5, 'the event is larger than the server takes (max_payload, 3000 bytes)'],
      [9, 'the event is larger than the stream takes, see its max_msg_size (error 10054)'],
    ],
  );
  t.regex(String(letters[1]!['reply']), /exceeds maximum/u);
});

test('a refused event behind one that failed is not counted yet', async (t) => {
  await using server = await new StandIn().listen();
  const path = join(emptyFolder(), 'dead.jsonl');
  await using output = await outputFor(server.url, { dead_letter: { path } });
  const bad = new Map([
    [2, error(10_054)],
    [4, error(10_077)],
    [6, error(10_054)],
  ]);
  server.answer = (message, place) =>
    (bad.get((JSON.parse(message.payload) as { seq: number }).seq) ?? stores)(message, place);
  t.like(await output.send(batchFor(output, range(8))), { kind: 'refused', records: [1], through: 3 });
  t.is(linesOf(readFileSync(path, 'utf8')).length, 1);
});

test('a server that goes away under load: the contiguous beginning counts as taken, and the next send connects anew', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url);
  const items = range(1000);
  server.answer = (message, place) => {
    if (place.stored.length === 700) for (const socket of place.sockets) socket.destroy();
    return stores(message, place);
  };
  const outcome = await output.send(batchFor(output, items));
  t.is(outcome.kind, 'retry');
  t.regex(reasonIn(outcome), /^the (?:server|receiver) ended the connection/u);
  const { taken } = outcome as { taken: number };
  t.true(taken > 0 && taken <= 700, String(taken));
  server.answer = stores;
  t.is((await output.send(batchFor(output, items.slice(taken)))).kind, 'taken');
  t.deepEqual(
    seqsOf(server),
    Array.from({ length: 1000 }, (_, i) => i + 1),
  );
  t.is(server.connects.length, 2);
});

test('several servers: the next is tried where one fails; one that wants to end is left', async (t) => {
  await using dead = await new StandIn().listen();
  await dead.stop();
  await using one = await new StandIn().listen();
  await using other = await new StandIn().listen();
  await using output = await outputFor([dead.url, one.url, other.url]);
  const kinds = [];
  for (let i = 0; i < 2; i++) kinds.push((await output.send(batchFor(output, [exec(1)]))).kind);
  t.true(kinds.includes('taken'), kinds.join());
  const used = one.connects.length > 0 ? one : other;
  for (const socket of used.sockets) socket.write('INFO {"headers":true,"max_payload":1048576,"ldm":true}\r\n');
  for (let i = 0; i < 100 && one.connects.length + other.connects.length < 2; i++) {
    await delay(20);
    // The next one can be the dead one.
    t.not((await output.send(batchFor(output, [exec(2)]))).kind, 'refused');
  }
  t.is((await output.send(batchFor(output, [exec(3)]))).kind, 'taken');
  t.is(one.connects.length + other.connects.length, 2);
  t.is(used.sockets.size, 0);
});

test('max_rate holds messages back', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url, { max_rate: 100 });
  t.is(output.limits.records, 100);
  const begun = performance.now();
  for (let i = 0; i < 3; i++) await output.send(batchFor(output, range(20)));
  t.true(performance.now() - begun >= 390);
});
