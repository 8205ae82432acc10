import test from 'ava';
import { misfit } from '../../../support/event-schema.ts';
import { eventsIn, Receiver, status, type Answer } from '../../../support/receiver.ts';
import { exec, gap } from '../../support/items.ts';
import { batchFor, outputFor } from './support.ts';

const ITEMS = [exec(1), gap(2, 4), exec(5)];

for (const body of ['ndjson', 'array'] as const) {
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    test(`a batch as ${body} with compression ${compression} arrives whole, and each line says who it is from`, async (t) => {
      await using receiver = await new Receiver().listen();
      await using output = await outputFor(receiver.url, { body, compression });
      t.deepEqual(await output.send(batchFor(output, ITEMS)), { kind: 'taken' });
      t.deepEqual(receiver.seqs, [1, '2-4', 5]);
      for (const event of receiver.events) {
        t.like(event, { boot_id: 'boot', stream: 'soc', schema_version: 1 });
        t.is(misfit(event), undefined);
      }
      const { headers, body: text } = receiver.requests[0]!;
      t.is(headers['content-type'], body === 'array' ? 'application/json' : 'application/x-ndjson');
      t.is(headers['content-encoding'], compression === 'none' ? undefined : compression);
      t.is(text.endsWith('}\n'), body === 'ndjson');
    });
  }
}

test('method, path, headers and placeholders are as configured', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(`${receiver.url}/a%20b?q=INSERT INTO x&t={batch}`, {
    method: 'PUT',
    headers: { 'X-Stream': 'of {stream}', 'content-type': 'text/plain', 'X-Batch': '{batch}' },
  });
  const batch = batchFor(output, ITEMS);
  await output.send(batch);
  await output.send(batch);
  await output.send(batchFor(output, [exec(5)]));
  const [first, again, other] = receiver.requests;
  t.is(first!.method, 'PUT');
  t.like(first!.headers, { 'x-stream': 'of soc', 'content-type': 'text/plain' });
  const name = new URL(first!.path, 'http://x').searchParams.get('t')!;
  t.regex(name, /^boot:soc:1-5:[0-9a-f]{8}$/u);
  t.true(first!.path.startsWith('/events/a%20b?q=INSERT%20INTO%20x&t=boot%3Asoc'));
  t.is(first!.headers['x-batch'], name);
  t.is(again!.path, first!.path, 'the same batch has the same name');
  t.not(other!.path, first!.path);
});

test('requests share one connection', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url);
  for (let i = 1; i <= 5; i++) t.is((await output.send(batchFor(output, [exec(i)]))).kind, 'taken');
  t.is(receiver.connections, 1);
  t.deepEqual(receiver.seqs, [1, 2, 3, 4, 5]);
});

test('a part never has more bytes than batch.max_bytes, except for a single event', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url, { batch: { max_bytes: '2KiB' } });
  const items = Array.from({ length: 20 }, (_, i) => exec(i + 1));
  t.is((await output.send(batchFor(output, items))).kind, 'taken');
  t.true(receiver.requests.length > 5);
  t.true(receiver.requests.every(({ body }) => body.length <= 2048));
  t.deepEqual(
    receiver.seqs,
    items.map(({ first }) => first),
  );
});

test('max_rate spreads what is sent, and makes batches of a second at most', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url, { max_rate: 100 });
  t.is(output.limits.records, 100);
  const begun = performance.now();
  for (let i = 0; i < 3; i++)
    await output.send(
      batchFor(
        output,
        Array.from({ length: 20 }, (_, k) => exec(k + 1)),
      ),
    );
  t.true(performance.now() - begun >= 390, 'the third waits for the first two');
});

const RETRIED: ReadonlyArray<readonly [string, Answer, RegExp]> = [
  ...[404, 405, 408, 425, 429, 500, 502, 503, 504].map(
    (code) => [`status ${code}`, status(code), new RegExp(`^status ${code}`, 'u')] as const,
  ),
  [
    'a redirect',
    status(302, '', { Location: 'http://elsewhere.example/?t=hunter2' }),
    /redirects to http:\/\/elsewhere\.example, which is not followed/u,
  ],
  ['a permanent redirect', status(308), /it redirects, which is not followed/u],
  [
    'an error of Splunk',
    status(503, '{"text":"Server is busy","code":9}'),
    /^status 503 \(Service Unavailable\), error 9$/u,
  ],
];

for (const [what, answer, reason] of RETRIED) {
  test(`${what}: the batch is to be sent again, and nothing of it is lost`, async (t) => {
    await using receiver = await new Receiver().listen();
    await using output = await outputFor(receiver.url);
    receiver.answers.push(answer);
    const batch = batchFor(output, ITEMS);
    const outcome = await output.send(batch);
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex((outcome as { reason: string }).reason, reason);
    t.deepEqual(await output.send(batch), { kind: 'taken' });
    t.is(receiver.requests.length, 2, 'once for each send');
  });
}

test('Retry-After is handed on, in seconds and as a date, and a little more at random', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answers.push(
    status(429, '', { 'Retry-After': '7' }),
    status(503, '', { 'Retry-After': new Date(Date.now() + 7000).toUTCString() }),
    status(503, '', { 'Retry-After': 'soon' }),
    status(503, '', { 'Retry-After': '-1' }),
  );
  for (let i = 0; i < 2; i++) {
    const outcome = (await output.send(batchFor(output, ITEMS))) as { afterMs?: number };
    t.true(outcome.afterMs! >= 5000 && outcome.afterMs! < 9000, String(outcome.afterMs));
  }
  for (let i = 0; i < 2; i++)
    t.false(
      'afterMs' in (await output.send(batchFor(output, ITEMS))),
      'which is not understood is left to the delivery',
    );
});

test('200 with an error inside counts as not taken where accept.body says so', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url, { accept: { body: '"code": *0\\b' } });
  receiver.answers.push(status(200, '{"text":"No data","code":5}'), status(200, '{"text":"Success","code": 0}'));
  const outcome = await output.send(batchFor(output, ITEMS));
  t.deepEqual(outcome, {
    kind: 'retry',
    reason: 'status 200 (OK), but accept.body does not match the reply',
    taken: 0,
  });
  t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
});

test('accept.status says which statuses are good', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url, { accept: { status: [202, 409] } });
  receiver.answers.push(status(202), status(409), status(200));
  t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
  t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
  t.is((await output.send(batchFor(output, ITEMS))).kind, 'retry');
});

test('refuse says which other replies mean that an event is to blame', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url, {
    accept: { body: '^ok' },
    refuse: { status: [200, 500], body: 'Cannot parse' },
  });
  receiver.answers.push(
    status(500, 'Code: 27, Cannot parse input'),
    status(200, 'Cannot parse'),
    status(500, 'Code: 241, Memory limit'),
    status(503, 'Cannot parse'),
    status(200, 'ok, although it says Cannot parse'),
  );
  const kinds = [];
  for (let i = 0; i < 5; i++) kinds.push((await output.send(batchFor(output, [exec(1)]))).kind);
  t.deepEqual(kinds, ['refused', 'refused', 'retry', 'retry', 'taken']);
});

/** Refuses requests with any of these numbers. */
const refusing =
  (code: number, ...bad: number[]): Answer =>
  ({ body }, response) => {
    if (eventsIn(body).some(({ seq }) => bad.includes(seq as number))) {
      response.writeHead(code).end('no');
      return;
    }
    response.end();
    return 'taken';
  };

for (const code of [400, 409, 422]) {
  test(`status ${code}: the events to blame are found, all others arrive once and in order`, async (t) => {
    await using receiver = await new Receiver().listen();
    await using output = await outputFor(receiver.url);
    receiver.answer = refusing(code, 3, 17, 18);
    const items = Array.from({ length: 40 }, (_, i) => exec(i + 1));
    const outcome = await output.send(batchFor(output, items));
    t.like(outcome, { kind: 'refused', records: [2, 16, 17], through: undefined });
    t.deepEqual(
      receiver.seqs,
      items.map(({ first }) => first).filter((seq) => ![3, 17, 18].includes(seq)),
    );
    t.true(receiver.requests.length <= 2 * 40 - 1);
  });
}

test('a batch of which all is refused takes at most 2n - 1 requests', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answer = status(400);
  const items = Array.from({ length: 20 }, (_, i) => exec(i + 1));
  const outcome = await output.send(batchFor(output, items));
  t.is((outcome as { records: readonly number[] }).records.length, 20);
  t.is(receiver.requests.length, 39);
});

test('a receiver that fails while the events to blame are looked for: what is settled stays settled', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url);
  const refuse = refusing(400, 2);
  receiver.answers.push(refuse, refuse, refuse, refuse, status(503));
  const outcome = await output.send(batchFor(output, [1, 2, 3, 4].map(exec)));
  t.deepEqual(outcome, {
    kind: 'refused',
    reason: 'status 400 (Bad Request)',
    records: [1],
    through: 2,
    again: { reason: 'status 503 (Service Unavailable)' },
  });
  t.deepEqual(receiver.seqs, [1]);
});

test('status 413: the batch is sent in halves, and those that follow begin with what went through', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answer = ({ body }, response) => {
    response.writeHead(body.length > 4000 ? 413 : 200).end();
    return body.length > 4000 ? undefined : 'taken';
  };
  const items = Array.from({ length: 32 }, (_, i) => exec(i + 1));
  t.is((await output.send(batchFor(output, items))).kind, 'taken');
  const before = receiver.requests.length;
  t.is((await output.send(batchFor(output, items))).kind, 'taken');
  const again = receiver.requests.slice(before);
  t.true(
    again.every(({ body }) => body.length <= 4000),
    'no request is in vain the second time',
  );
  t.deepEqual(
    receiver.seqs,
    [...items, ...items].map(({ first }) => first),
  );
});

test('status 413 for a single event: it is refused, and the next goes through', async (t) => {
  await using receiver = await new Receiver().listen();
  await using output = await outputFor(receiver.url);
  receiver.answer = refusing(413, 2);
  const outcome = await output.send(batchFor(output, [1, 2, 3].map(exec)));
  t.like(outcome, { kind: 'refused', records: [1] });
  t.deepEqual(receiver.seqs, [1, 3]);
});
