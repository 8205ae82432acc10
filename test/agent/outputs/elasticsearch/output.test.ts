import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { SEAL_EXAMPLE } from '../../../../agent/events/seal.ts';
import { CLOCK_EXAMPLE } from '../../../../shared/events/clock.ts';
import { status } from '../../../support/receiver.ts';
import { exec, gap, toItem } from '../../support/items.ts';
import { linesOf } from '../../support/outputs.ts';
import { documentsIn, StandIn, type Result } from './stand-in.ts';
import { batchFor, emptyFolder, outputFor, settle } from './support.ts';

const ITEMS = [exec(1), gap(2, 4), exec(5)];
const many = (count: number) => Array.from({ length: count }, (_, i) => exec(i + 1));
const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const seqOf = ({ source }: { source: Readonly<Record<string, unknown>> }): number =>
  (source as { event: { sequence: number } }).event.sequence;

test('documents are created in the data stream, each under its id, in ECS', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(`${receiver.address}/es/?pipeline=p`, { compression: 'gzip' });
  const items = [...ITEMS, toItem(CLOCK_EXAMPLE), toItem(SEAL_EXAMPLE), toItem({ type: 'later', x: 1 })];
  t.deepEqual(await settle(output, batchFor(output, items, { bootId: 'boot', seal: 7 })), {
    refused: [],
    reasons: [],
    sends: 1,
  });
  const [{ method, path, headers }] = receiver.requests as [(typeof receiver.requests)[0]];
  t.is(method, 'POST');
  t.is(
    path,
    '/es/_bulk?pipeline=p&filter_path=errors%2Cerror.type%2Citems.*._id%2Citems.*.status%2Citems.*.error.type',
  );
  t.like(headers, { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' });
  const documents = [...receiver.documents.values()];
  t.true(documents.every(({ index }) => index === 'logs-platform_probes.process-default'));
  t.deepEqual(
    documents.map(({ id }) => id.replace(/[0-9a-f]{16}/u, 'CHECKSUM')),
    [
      'boot:1:soc:7',
      'boot:2-4:CHECKSUM:soc',
      'boot:5:soc:7',
      'boot:-:CHECKSUM:soc',
      'boot:-:CHECKSUM:soc',
      'boot:-:CHECKSUM:soc',
    ],
  );
  t.like(documents[0]!.source, {
    'event': { id: 'boot:1', sequence: 1 },
    '@timestamp': '2023-03-15T13:20:00.123456789Z',
  });
});

for (const format of ['native', 'ocsf'] as const)
  test(`an index takes ${format} lines under the same ids`, async (t) => {
    await using receiver = (await new StandIn().listen()) as StandIn;
    await using output = await outputFor(receiver.address, { index: 'probes', format });
    await settle(output, batchFor(output, [...ITEMS, toItem(SEAL_EXAMPLE)], { bootId: 'boot', seal: 7 }));
    t.deepEqual(
      [...receiver.documents.values()].map(({ index, id }) => [index, id.replace(/[0-9a-f]{16}/u, 'CHECKSUM')]),
      [
        ['probes', 'boot:1:soc:7'],
        ['probes', 'boot:2-4:CHECKSUM:soc'],
        ['probes', 'boot:5:soc:7'],
        ['probes', 'boot:-:CHECKSUM:soc'],
      ],
    );
  });

test('an id that would be longer than 512 bytes, or is no text, is its checksum or made text: still one a document', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  for (const bootId of ['b'.repeat(600), 'ü"\\\n\ud800', 'ü'.repeat(600)])
    for (let i = 0; i < 2; i++)
      t.deepEqual(await output.send(batchFor(output, many(3), { bootId })), { kind: 'taken' });
  t.is(receiver.documents.size, 9);
  for (const id of receiver.documents.keys()) t.true(Buffer.byteLength(id) <= 512, id);
});

test('what is sent a second time is there already, and counts as taken', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  for (let i = 0; i < 2; i++) t.is((await settle(output, batchFor(output, ITEMS))).sends, 1);
  t.deepEqual(receiver.numbers, [1, '2-4', 5]);
  t.true([...receiver.attempts.values()].every((attempts) => attempts === 2));
});

for (const [what, result] of [
  ['429', [429, 'es_rejected_execution_exception']],
  ['503', [503, 'unavailable_shards_exception']],
  ['500', 500],
  ['403 for a blocked index', [403, 'cluster_block_exception']],
  ['404 for a missing index', [404, 'index_not_found_exception']],
] as const satisfies readonly (readonly [string, Result])[])
  test(`${what} for some documents: they are sent again, and they alone`, async (t) => {
    await using receiver = (await new StandIn().listen()) as StandIn;
    await using output = await outputFor(receiver.address);
    receiver.decide = (sent, attempt) => (seqOf(sent) % 3 === 0 && attempt < 4 ? result : undefined);
    const { refused, reasons, sends } = await settle(output, batchFor(output, many(20)));
    t.deepEqual(refused, []);
    t.is(sends, 4);
    t.false(/see auth/u.test(reasons[0]!), 'no credentials are to blame');
    t.regex(reasons[0]!, new RegExp(`^status ${what.slice(0, 3)} \\(.*\\) for a document`, 'u'));
    t.deepEqual(
      [...receiver.documents.values()].map(seqOf).toSorted((a, b) => a - b),
      numbersTo(20),
    );
    for (const [id, attempts] of receiver.attempts) t.is(attempts, Number(id.split(':')[1]) % 3 === 0 ? 4 : 1, id);
  });

test('no request is made for documents that are all there, when requests have become smaller', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.decide = (sent, attempt) => (seqOf(sent) === 1 && attempt === 1 ? 429 : undefined);
  const batch = batchFor(output, many(10));
  t.like(await output.send(batch), { kind: 'retry', taken: 0 });
  receiver.answers.push(status(413));
  t.deepEqual(await output.send(batch), { kind: 'taken' });
  t.deepEqual(
    receiver.requests.map(({ body }) => documentsIn(body).length),
    [10, 1, 1],
  );
  t.deepEqual(
    [...receiver.documents.values()].map(seqOf).toSorted((a, b) => a - b),
    numbersTo(10),
  );
});

test('nothing counts as settled before everything in front of it is', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.decide = (sent, attempt) => {
    if (seqOf(sent) === 2) return [400, 'document_parsing_exception'];
    return [4, 8].includes(seqOf(sent)) && attempt === 1 ? 429 : undefined;
  };
  const batch = batchFor(output, many(10));
  const first = await output.send(batch);
  t.deepEqual(first, {
    kind: 'refused',
    reason: 'status 400 (Bad Request) for a document, document_parsing_exception',
    records: [1],
    through: 3,
    again: { reason: 'status 429 (Too Many Requests) for a document' },
  });
  batch.advance(3);
  t.deepEqual(await output.send(batch), { kind: 'taken' });
  t.deepEqual(documentsIn(receiver.requests[1]!.body).map(seqOf), [4, 8]);
});

test('Retry-After of a reply is handed on', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.decide = (sent) => (seqOf(sent) === 2 ? 429 : undefined);
  receiver.spoils.push((_, response) => void response.setHeader('Retry-After', '7'));
  const outcome = await output.send(batchFor(output, many(3)));
  t.like(outcome, { kind: 'retry', taken: 1 });
  const { afterMs = 0 } = outcome as { afterMs?: number };
  t.true(afterMs >= 7000 && afterMs < 9000);
});

test('a refused document is a dead letter with what was said of it, once, and all others arrive', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  const path = join(emptyFolder(), 'dead.jsonl');
  await using output = await outputFor(receiver.address, { dead_letter: { path } });
  receiver.decide = (sent, attempt) => {
    if ([3, 9].includes(seqOf(sent))) return [400, 'mapper_parsing_exception'];
    return seqOf(sent) === 5 && attempt < 3 ? 429 : undefined;
  };
  const { refused } = await settle(output, batchFor(output, many(12)));
  t.deepEqual(refused, [2, 8]);
  t.deepEqual(
    linesOf(readFileSync(path, 'utf8')).map((line) => {
      const { event, reason, reply } = JSON.parse(line) as { event: object; reason: string; reply: string };
      return [seqOf({ source: event as Record<string, unknown> }), reason, JSON.parse(reply) as object];
    }),
    [3, 9].map((seq) => [
      seq,
      'status 400 (Bad Request) for a document, mapper_parsing_exception',
      { _id: `boot:${seq}:soc`, status: 400, error: { type: 'mapper_parsing_exception' } },
    ]),
  );
  t.deepEqual(
    [...receiver.attempts].filter(([, attempts]) => attempts > 1).map(([id]) => id),
    ['boot:5:soc'],
    'what was refused is not sent again',
  );
});

test('whatever becomes of each document, and however often: all are taken or refused, once, and the sums are exact', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address, { batch: { max_bytes: '4KiB' } });
  const results: readonly Result[] = [201, 200, 400, 413, 422, 429, 500, 503, 404, 403];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(results.length - 1), { minLength: 1, maxLength: 40 }),
      fc.nat(3),
      async (plan, stubborn) => {
        receiver.documents.clear();
        receiver.attempts.clear();
        const isRefused = (i: number): boolean => [400, 413, 422].includes(results[plan[i]!] as number);
        receiver.decide = (sent, attempt) => {
          const i = seqOf(sent) - 1;
          return isRefused(i) || attempt <= stubborn ? results[plan[i]!] : 201;
        };
        const { refused } = await settle(output, batchFor(output, many(plan.length)), 500);
        const all = plan.map((_, i) => i);
        t.deepEqual(refused, all.filter(isRefused));
        t.deepEqual(
          [...receiver.documents.values()].map((sent) => seqOf(sent) - 1).toSorted((a, b) => a - b),
          all.filter((i) => !isRefused(i)),
        );
        for (const [id, attempts] of receiver.attempts) {
          const code = results[plan[Number(id.split(':')[1]) - 1]!] as number;
          t.true(attempts === 1 || [403, 404, 429, 500, 503].includes(code), `${id} ${attempts}`);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('413 halves the request, for a single document it refuses that one', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  const { answer } = receiver;
  receiver.answer = (received, response) => {
    const seqs = documentsIn(received.body).map(seqOf);
    if (seqs.length > 4 || seqs.includes(7)) return void response.writeHead(413).end();
    answer(received, response);
  };
  const { refused } = await settle(output, batchFor(output, many(16)));
  t.deepEqual(refused, [6]);
  t.deepEqual(
    receiver.numbers,
    numbersTo(16).filter((seq) => seq !== 7),
  );
});

const ERROR = JSON.stringify({ error: { type: 'es_rejected_execution_exception' }, status: 429 });

for (const [what, code, body, reason] of [
  ['429 whole', 429, ERROR, /^status 429 \(Too Many Requests\), es_rejected_execution_exception$/u],
  ['503 whole', 503, '', /^status 503 \(Service Unavailable\)$/u],
  [
    '401',
    401,
    '{"error":{"type":"security_exception"}}',
    /the receiver does not take the credentials.*security_exception$/u,
  ],
  ['404', 404, '', /^status 404/u],
  ['a redirect', 307, '', /it redirects/u],
  [
    '400 for a pipeline that does not exist',
    400,
    '{"error":{"type":"illegal_argument_exception"}}',
    /illegal_argument_exception: see url, its parameters, and the name/u,
  ],
  ['no body', 200, '', /^status 200, but the reply is not JSON$/u],
  ['204', 204, '', /^status 204, but the reply is not JSON$/u],
  ['garbage', 200, '\0\u0001<html>', /the reply is not JSON$/u],
  ['half a reply', 200, '{"errors":false,"items":[{"create":{"status":201}', /the reply is not JSON$/u],
  ['a list', 200, '[]', /the reply is not JSON$/u],
  ['no items', 200, '{"errors":false}', /the reply has no list of items$/u],
  ['items that are no list', 200, '{"errors":false,"items":{}}', /the reply has no list of items$/u],
  ['fewer items', 200, '{"errors":false,"items":[{"create":{"status":201}}]}', /another number of items/u],
  [
    'items without status',
    200,
    '{"errors":false,"items":[{"create":{"status":201}},{"create":{}},{"create":{"status":201}}]}',
    /an item without a status$/u,
  ],
  [
    'items of another action',
    200,
    '{"errors":false,"items":[{"index":{"status":201}},{"index":{"status":201}},{"index":{"status":201}}]}',
    /an item without a status$/u,
  ],
  [
    'items with a status that is none',
    200,
    '{"items":[{"create":{"status":201}},{"create":{"status":"201"}},{"create":{"status":1e9}}]}',
    /an item without a status$/u,
  ],
  [
    'errors that it does not name',
    200,
    '{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}',
    /says that there were errors, and names none$/u,
  ],
] as const)
  test(`a reply of ${what}: nothing counts as taken, and the batch is sent again`, async (t) => {
    await using receiver = (await new StandIn().listen()) as StandIn;
    await using output = await outputFor(receiver.address);
    receiver.answers.push(status(code, body));
    const batch = batchFor(output, many(3));
    const outcome = await output.send(batch);
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex((outcome as { reason: string }).reason, reason);
    t.deepEqual(await output.send(batch), { kind: 'taken' });
    t.deepEqual(receiver.numbers, [1, 2, 3]);
  });

test('items without ids count by their place, as VictoriaLogs gives them', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.decide = (sent) => (seqOf(sent) === 2 ? 400 : undefined);
  receiver.spoils.push((items) =>
    JSON.stringify({
      took: 1,
      errors: false,
      items: items.map(({ create }) => ({ create: { status: create.status } })),
    }),
  );
  t.deepEqual((await settle(output, batchFor(output, many(3)))).refused, [1], 'whatever errors says');
});

test('items in another order than they were sent: the batch is sent again, and nothing is refused in place of another', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.decide = (sent) => (seqOf(sent) === 1 ? 400 : undefined);
  receiver.spoils.push((items) => JSON.stringify({ errors: true, items: items.toReversed() }));
  const { refused, reasons } = await settle(output, batchFor(output, many(3)));
  t.regex(reasons[0]!, /its items in another order/u);
  t.deepEqual(refused, [0]);
  t.deepEqual(receiver.numbers, [2, 3]);
});

test('a reply without end is not read beyond its bound, and the next request is smaller', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.spoils.push((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.writeHead(200);
    response.on('drain', more);
    more();
  });
  const { reasons, refused } = await settle(output, batchFor(output, many(100)));
  t.deepEqual(reasons, ['the reply is longer than such a request can have']);
  t.deepEqual(refused, []);
  t.true(receiver.requests.length >= 3, 'once in vain, then in parts');
  t.deepEqual(receiver.numbers, numbersTo(100));
});

test('a reply to 10,000 documents is longer than 64 KiB, and is read whole', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address, { batch: { max_bytes: '32MiB' } });
  t.is((await settle(output, batchFor(output, many(10_000)))).sends, 1);
  t.is(receiver.requests.length, 1);
  t.is(receiver.documents.size, 10_000);
});

test('a user who may not write loses nothing: the secret is read again, and the log names no document', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.decide = (_, attempt) => (attempt === 1 ? [403, 'security_exception'] : undefined);
  const { reasons, refused } = await settle(output, batchFor(output, many(3)));
  t.deepEqual(refused, []);
  t.deepEqual(reasons, [
    'status 403 (Forbidden) for a document, security_exception: the user may not write there; see auth',
  ]);
});

test("no reason repeats the receiver's text", async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.decide = (sent, attempt) => (attempt > 1 ? undefined : [seqOf(sent) === 1 ? 400 : 503, 'hunter2']);
  receiver.answers.push(status(503, '{"error":{"type":"hunter2","reason":"hunter2"}}'));
  const { reasons } = await settle(output, batchFor(output, many(3)));
  t.true(reasons.length >= 2);
  t.notRegex(JSON.stringify([reasons, output.raised]), /hunter2/u);
});
