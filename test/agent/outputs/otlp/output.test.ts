import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execEvent } from '../../../support/fake-helper.ts';
import { eventsOf, failure, OtlpReceiver, partialSuccess, rejecting, seenIn } from '../../../support/otlp/receiver.ts';
import { status, taken, type Answer } from '../../../support/receiver.ts';
import { exec, gap, toItem } from '../../support/items.ts';
import { linesOf as textLines } from '../../support/outputs.ts';
import { batchFor, emptyFolder, outputFor } from './support.ts';

const ITEMS = [exec(1), gap(2, 4), exec(5)];
const TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;
const ENCODINGS = ['protobuf', 'json'] as const;

const some = (count: number) => Array.from({ length: count }, (_, i) => exec(i + 1));
const numbersOf = (count: number): number[] => some(count).map(({ first }) => first);

for (const encoding of ENCODINGS)
  for (const compression of ['none', 'gzip'] as const)
    test(`a batch as ${encoding} with compression ${compression} arrives whole, and says who it is from`, async (t) => {
      await using receiver = await new OtlpReceiver().listen();
      await using output = await outputFor(new URL(receiver.url).origin, {
        encoding,
        compression,
        headers: { 'X-Scope-OrgID': 'red' },
      });
      t.deepEqual(await output.send(batchFor(output, ITEMS)), { kind: 'taken' });
      t.deepEqual(receiver.seqs, [1, '2-4', 5]);
      const [request] = receiver.requests;
      t.like(request, { method: 'POST', path: '/v1/logs' });
      t.like(request!.headers, { 'content-type': TYPES[encoding], 'x-scope-orgid': 'red' });
      t.is(request!.headers['content-encoding'], compression === 'none' ? undefined : compression);
      const { records, resource } = seenIn(request!);
      t.like(resource, { 'service.name': 'platform-probes', 'os.type': 'linux' });
      t.regex(String(resource['host.id']), /^[0-9a-f]{32}$/u);
      for (const [i, event] of receiver.events.entries()) {
        t.like(event, { boot_id: 'boot', stream: 'soc', host_id: resource['host.id'] });
        t.like(records[i]!.attributes, { 'probes.boot_id': 'boot', 'probes.stream': 'soc' });
      }
    });

for (const [path, arrives] of [
  ['', '/v1/logs'],
  ['/', '/v1/logs'],
  ['/?tenant=red', '/v1/logs?tenant=red'],
  ['/v1/logs', '/v1/logs'],
  ['/insert/opentelemetry/v1/logs', '/insert/opentelemetry/v1/logs'],
  ['/otlp/', '/otlp/'],
] as const)
  test(`an address with the path "${path}" is sent to as ${arrives}`, async (t) => {
    await using receiver = await new OtlpReceiver().listen();
    await using output = await outputFor(new URL(receiver.url).origin + path);
    await output.send(batchFor(output, ITEMS));
    t.is(receiver.requests[0]!.path, arrives);
  });

test('a batch that is sent again is the same, byte for byte', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answers.push(status(503), status(200));
  const batch = batchFor(output, ITEMS);
  t.is((await output.send(batch)).kind, 'retry');
  t.is((await output.send(batch)).kind, 'taken');
  const [first, second] = receiver.requests;
  t.true(first!.data.equals(second!.data));
});

for (const name of ['ecs', 'ocsf'] as const)
  test(`with format ${name} the body is in that schema`, async (t) => {
    await using receiver = await new OtlpReceiver().listen();
    await using output = await outputFor(receiver.url, { format: name });
    t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
    t.true(receiver.events.every((event) => (name === 'ecs' ? 'ecs' in event : 'class_uid' in event)));
    const { records } = seenIn(receiver.requests[0]!);
    t.deepEqual(
      records.map(({ attributes }) => [
        attributes['probes.type'],
        attributes['probes.seq'],
        'process.pid' in attributes,
      ]),
      [
        ['exec', 1, false],
        ['gap', undefined, false],
        ['exec', 5, false],
      ],
    );
  });

for (const encoding of ENCODINGS) {
  test(`${encoding}: rejected records are found, each is a dead letter, and the receiver has all others`, async (t) => {
    await using receiver = await new OtlpReceiver().listen();
    const path = join(emptyFolder(), 'dead.jsonl');
    await using output = await outputFor(receiver.url, { encoding, dead_letter: { path } });
    const bad = [3, 17, 18, 40];
    receiver.answer = rejecting(({ seq }) => bad.includes(seq as number));
    const outcome = await output.send(batchFor(output, some(40)));
    t.deepEqual(outcome, {
      kind: 'refused',
      reason: 'the receiver rejected it (partial success)',
      records: [2, 16, 17, 39],
    });
    t.deepEqual(
      [...new Set(receiver.seqs)].toSorted((a, b) => Number(a) - Number(b)),
      numbersOf(40).filter((seq) => !bad.includes(seq)),
    );
    t.true(receiver.requests.length <= 2 * 40 - 1);
    // The same record has the same name each time.
    const names = new Map<unknown, Set<unknown>>();
    for (const { attributes } of receiver.requests.flatMap((request) => seenIn(request).records)) {
      const seq = attributes['probes.seq'];
      names.set(seq, (names.get(seq) ?? new Set()).add(attributes['log.record.uid']));
    }
    t.true([...names.values()].every(({ size }) => size === 1));
    const letters = textLines(readFileSync(path, 'utf8')).map((line) => JSON.parse(line) as Record<string, unknown>);
    t.deepEqual(
      letters.map(({ reply, event }) => [reply, (event as { seq: number }).seq]),
      bad.map((seq) => ['too old: hunter2', seq]),
    );
    t.true(output.raised.every((raised) => !JSON.stringify(raised).includes('hunter2')));
  });

  test(`${encoding}: when all are rejected, that is known after one request`, async (t) => {
    await using receiver = await new OtlpReceiver().listen();
    await using output = await outputFor(receiver.url, { encoding });
    receiver.answer = rejecting(() => true);
    const outcome = await output.send(batchFor(output, some(20)));
    t.like(outcome, { kind: 'refused' });
    t.is((outcome as { records: readonly number[] }).records.length, 20);
    t.is(receiver.requests.length, 1);
  });
}

test('a receiver that rejects by quota, other records each time, loses none without a word', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url);
  let calls = 0;
  receiver.answer = (received, response, place) => {
    calls++;
    const events = eventsOf(received);
    // The first of each request for a while: never the same ones.
    const first = calls < 20 ? events[0]!['seq'] : undefined;
    return rejecting(({ seq }) => seq === first && events.length > 1)(received, response, place);
  };
  const outcome = await output.send(batchFor(output, some(16)));
  const refused = new Set(outcome.kind === 'refused' ? outcome.records.map((i) => i + 1) : []);
  t.deepEqual(
    numbersOf(16).filter((seq) => !receiver.seqs.includes(seq)),
    [...refused],
  );
});

test('a number of rejected records that cannot be is not believed further than it must be', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answer = status(200, partialSuccess('protobuf', 2n ** 62n, ''));
  const outcome = await output.send(batchFor(output, some(4)));
  t.like(outcome, { kind: 'refused', records: [0, 1, 2, 3] });
  t.is(receiver.requests.length, 7, 'halves, since it cannot mean this batch');
});

test('a receiver that fails while rejected records are looked for: what is settled stays settled', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url);
  const reject = rejecting(({ seq }) => seq === 2);
  receiver.answers.push(reject, reject, reject, reject, status(503));
  t.deepEqual(await output.send(batchFor(output, some(4))), {
    kind: 'refused',
    reason: 'the receiver rejected it (partial success)',
    records: [1],
    through: 2,
    again: { reason: 'status 503 (Service Unavailable)' },
  });
});

test('a message without rejected records is a warning, logged without its text', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answer = status(200, partialSuccess('protobuf', 0n, 'slow down, hunter2'));
  for (let i = 0; i < 3; i++) t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
  const warnings = output.raised.filter(({ event }) => event === 'ReceiverWarned');
  t.true(warnings.length > 0);
  t.false(JSON.stringify(output.raised).includes('hunter2'));
});

const answers = (body: string | Buffer, headers: Record<string, string> = {}, code = 200): Answer =>
  status(code, body, headers);

for (const [what, answer] of [
  ['200 and nothing', taken],
  ['202 and nothing', status(202)],
  ['204', status(204)],
  ['200 and an empty message in JSON', answers('{}', { 'Content-Type': 'application/json' })],
] as const)
  test(`${what} is success`, async (t) => {
    await using receiver = await new OtlpReceiver().listen();
    await using output = await outputFor(receiver.url);
    receiver.answer = answer;
    t.deepEqual(await output.send(batchFor(output, ITEMS)), { kind: 'taken' });
    t.is(receiver.requests.length, 1);
  });

for (const [what, answer] of [
  ['a page to log in', answers('<html>hunter2</html>', { 'Content-Type': 'text/html' })],
  ['a word', answers('OK', { 'Content-Type': 'text/plain' })],
  ['a word without a type', answers('OK')],
  ['bytes', answers('\0\u0001', { 'Content-Type': 'application/x-protobuf' })],
  ['half a message', answers(partialSuccess('protobuf', 0n, 'x'.repeat(100)).subarray(0, 50))],
  ['less than none rejected', answers(partialSuccess('protobuf', -1n, ''))],
  // Without a look at how long the reply was, its beginning would be whole success.
  [
    'a message that says behind 64 KiB that records are rejected',
    answers(Buffer.concat([Buffer.alloc(64 * 1024, Buffer.from([0x12, 0])), partialSuccess('protobuf', 1n, '')])),
  ],
  ['JSON that is no object', answers('[]', { 'Content-Type': 'application/json' })],
  ['a message that is too long', answers(partialSuccess('protobuf', 0n, 'x'.repeat(65 * 1024)))],
] as const)
  test(`200 and ${what}: nothing counts as taken, and the batch is to be sent again`, async (t) => {
    await using receiver = await new OtlpReceiver().listen();
    await using output = await outputFor(receiver.url);
    receiver.answers.push(answer);
    const batch = batchFor(output, ITEMS);
    t.deepEqual(await output.send(batch), {
      kind: 'retry',
      reason: 'status 200 (OK), but the reply is not one of OTLP, so nothing counts as taken; see url',
      taken: 0,
    });
    t.is((await output.send(batch)).kind, 'taken');
  });

for (const code of [408, 429, 500, 502, 503, 504])
  test(`status ${code}: the batch is to be sent again, after the time that the receiver names`, async (t) => {
    await using receiver = await new OtlpReceiver().listen();
    await using output = await outputFor(receiver.url);
    receiver.answers.push(answers(failure('busy'), { 'Content-Type': TYPES.protobuf, 'Retry-After': '7' }, code));
    const batch = batchFor(output, ITEMS);
    const outcome = (await output.send(batch)) as { afterMs: number };
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.true(outcome.afterMs >= 7000 && outcome.afterMs < 9000);
    t.is((await output.send(batch)).kind, 'taken');
  });

test('status 400: the record to blame is found, and its dead letter has the message of the Status', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  const path = join(emptyFolder(), 'dead.jsonl');
  const secret = join(emptyFolder(), 'token');
  writeFileSync(secret, 'hunter2');
  await using output = await outputFor(receiver.url, { dead_letter: { path }, auth: { token_file: secret } });
  receiver.answer = (received, response, place) =>
    eventsOf(received).some(({ seq }) => seq === 2)
      ? answers(failure('bad: hunter2'), { 'Content-Type': TYPES.protobuf }, 400)(received, response, place)
      : taken(received, response, place);
  t.deepEqual(await output.send(batchFor(output, some(5))), {
    kind: 'refused',
    reason: 'status 400 (Bad Request)',
    records: [1],
  });
  t.deepEqual(receiver.seqs, [1, 3, 4, 5]);
  t.is(receiver.requests[0]!.headers.authorization, 'Bearer hunter2');
  const [letter] = textLines(readFileSync(path, 'utf8')).map((line) => JSON.parse(line) as Record<string, unknown>);
  t.like(letter, { output: 'soc', reason: 'status 400 (Bad Request)', reply: 'bad: ***', event: { seq: 2 } });
});

test('status 413: halves, and a single record is refused', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answer = (received, response, place) =>
    (received.data.length > 6000 || received.body.includes('"seq":7,') ? status(413) : taken)(
      received,
      response,
      place,
    );
  const outcome = await output.send(batchFor(output, some(20)));
  t.like(outcome, { kind: 'refused', records: [6], reason: 'status 413 (Payload Too Large)' });
  t.deepEqual(
    receiver.seqs,
    numbersOf(20).filter((seq) => seq !== 7),
  );
});

test('an event of 2 MB arrives whole', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url, { compression: 'gzip' });
  const large = toItem(execEvent(2, { argv: ['x', 'y'.repeat(2_000_000)] }));
  t.is((await output.send(batchFor(output, [exec(1), large, exec(3)]))).kind, 'taken');
  t.deepEqual(receiver.seqs, [1, 2, 3]);
  t.is((receiver.events[1] as { argv: string[] }).argv[1]!.length, 2_000_000);
});

test('max_rate spreads what is sent, and http to another machine is said to be open to readers', async (t) => {
  await using receiver = await new OtlpReceiver().listen();
  await using output = await outputFor(receiver.url, { max_rate: 100 });
  t.is(output.limits.records, 100);
  const begun = performance.now();
  for (let i = 0; i < 3; i++) await output.send(batchFor(output, some(20)));
  t.true(performance.now() - begun >= 390, 'the third waits for the first two');
  t.deepEqual(output.raised, []);
  await using exposed = await outputFor('http://collector.example:4318');
  t.deepEqual(
    exposed.raised.map(({ event }) => event),
    ['OutputUnprotected'],
  );
});
