import { hostname } from 'node:os';
import test from 'ava';
import { SEAL_EXAMPLE } from '../../../../agent/events/seal.ts';
import { timestampOf } from '../../../../agent/outputs/loki/entry.ts';
import { EXEC_EXAMPLE } from '../../../../shared/events/exec.ts';
import { status } from '../../../support/receiver.ts';
import { exec, gap, toItem } from '../../support/items.ts';
import { RULES } from '../../formats/support/events.ts';
import { batchFor, entriesIn, outputFor, StandIn } from './support.ts';

const ITEMS = [exec(1), gap(2, 4), exec(5)];
const TIME = '2023-03-15T13:20:00.123456789Z';
const NANOS = 1_678_886_400_123_456_789n;

for (const format of ['native', 'ecs', 'ocsf'] as const)
  test(`entries in ${format} have the event's time to the nanosecond, few labels, and the rest as structured metadata`, async (t) => {
    await using receiver = (await new StandIn().listen()) as StandIn;
    await using output = await outputFor(`${receiver.address}/loki-path/?a=b`, {
      format,
      compression: 'gzip',
      tenant: 'soc-1',
      labels: { site: 'ber"lin' },
    });
    const items = [exec(1), toItem({ ...EXEC_EXAMPLE, time: TIME, seq: 2, rules: RULES }), gap(3, 4)];
    t.deepEqual(await output.send(batchFor(output, items, { bootId: 'boot', seal: 7 })), { kind: 'taken' });
    const [{ method, path, headers }] = receiver.requests as [(typeof receiver.requests)[0]];
    t.is(method, 'POST');
    t.is(path, '/loki-path/loki/api/v1/push?a=b');
    t.like(headers, { 'content-type': 'application/json', 'content-encoding': 'gzip', 'x-scope-orgid': 'soc-1' });
    const [event, alert, lost] = receiver.entries as [
      (typeof receiver.entries)[0],
      (typeof receiver.entries)[0],
      (typeof receiver.entries)[0],
    ];
    t.deepEqual(event.labels, {
      service_name: 'platform-probes',
      site: 'ber"lin',
      host: hostname(),
      record: 'event',
    });
    t.regex(event.metadata['host_id']!, /^[0-9a-f]{32}$/u);
    const { host_id: hostId, ...metadata } = event.metadata;
    t.is(typeof hostId, 'string');
    t.deepEqual(metadata, { boot_id: 'boot', stream: 'soc', type: 'exec', seq: '1', seal: '7' });
    t.like(alert.metadata, { seq: '2', rule_level: 'high' });
    t.is(alert.time, NANOS);
    t.like(lost.metadata, { type: 'gap', first: '3', last: '4', seq: undefined });
    const lines = batchFor(output, items, { bootId: 'boot', seal: 7 }).lines.toString().trimEnd().split('\n');
    t.deepEqual(
      receiver.entries.map(({ line }) => line),
      lines,
      'the line is the same as in other outputs',
    );
  });

test('gaps and seals that are made at sending are in a stream of their own, so that they age no event', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  for (const format of ['native', 'ecs', 'ocsf'] as const) {
    await using output = await outputFor(receiver.address, { format });
    receiver.entries.length = 0;
    const hops = ['ring', 'pipe', 'spool', 'output'].map((hop, i) => gap(i + 1, i + 1, { hop }));
    await output.send(batchFor(output, [toItem(SEAL_EXAMPLE), ...hops, exec(9)], { bootId: 'boot', seal: 1 }));
    t.deepEqual(
      receiver.entries.map(({ labels, metadata }) => [labels['record'], metadata['type'], metadata['first']]),
      [
        ['event', 'gap', '1'],
        ['event', 'gap', '2'],
        ['event', 'exec', undefined],
        ['delivery', 'seal', undefined],
        ['delivery', 'gap', '3'],
        ['delivery', 'gap', '4'],
      ],
      format,
    );
  }
});

test('two events of one nanosecond both stay, and what is sent again is the same', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  const items = [1, 2].map((seq) => toItem({ ...EXEC_EXAMPLE, time: TIME, seq }));
  for (let i = 0; i < 2; i++) t.deepEqual(await output.send(batchFor(output, items)), { kind: 'taken' });
  t.deepEqual(receiver.numbers, ['1', '2']);
  t.deepEqual(
    receiver.entries.map(({ time }) => time),
    [NANOS, NANOS],
  );
  t.is(receiver.requests[0]!.body, receiver.requests[1]!.body);
});

test('an event without a time gets that of its sending', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  for (const format of ['native', 'ecs'] as const) {
    await using output = await outputFor(receiver.address, { format });
    const before = BigInt(Date.now());
    await output.send(batchFor(output, [toItem({ type: 'later' })]));
    const millis = receiver.entries.at(-1)!.time / 1_000_000n;
    t.true(millis >= before && millis <= BigInt(Date.now()), format);
  }
});

for (const [time, expected] of [
  [TIME, String(NANOS)],
  ['2023-03-15T13:20:00Z', '1678886400000000000'],
  ['2023-03-15T13:20:00.5Z', '1678886400500000000'],
  ['2023-03-15T13:20:00.1234567891Z', '1678886400123456789'],
  ['1970-01-01T00:00:01Z', '1000000000'],
  ['1970-01-01T00:00:00Z', undefined],
  ['1969-12-31T23:59:59Z', undefined],
  ['2023-13-15T13:20:00Z', undefined],
  ['', undefined],
] as const)
  test(`${time || 'no time'} is ${expected ?? 'no time'} in nanoseconds`, (t) => {
    t.is(timestampOf(time), expected);
  });

test('entries that the receiver does not take are found and refused, all others stay, once', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.refuses = ({ metadata: { seq }, line }) =>
    ['3', '17', '18'].includes(seq!) ? `entry for stream '{host="x"}' ${line} has timestamp too old` : undefined;
  const items = Array.from({ length: 40 }, (_, i) => exec(i + 1));
  t.deepEqual(await output.send(batchFor(output, items)), {
    kind: 'refused',
    reason: 'status 400 (Bad Request): it is older than the receiver takes; see its reject_old_samples_max_age',
    records: [2, 16, 17],
  });
  t.deepEqual(
    receiver.numbers.map(Number).toSorted((a, b) => a - b),
    items.map(({ first }) => first).filter((seq) => ![3, 17, 18].includes(seq)),
  );
});

for (const [what, code, body, kind, reason] of [
  ['429', 429, 'Ingestion rate limit exceeded for user x', 'retry', /^status 429 \(Too Many Requests\)$/u],
  ['503', 503, '', 'retry', /^status 503/u],
  ['500', 500, 'at least 2 live replicas required', 'retry', /^status 500/u],
  ['404', 404, '404 page not found', 'retry', /^status 404/u],
  ['401', 401, 'no org id', 'retry', /see auth, and tenant, which the receiver wants$/u],
  ['403', 403, '', 'retry', /see auth$/u],
  ['200 with a page', 200, '<html>', 'retry', /^status 200 with a text, as no Loki answers it; see url$/u],
  ['a redirect', 302, '', 'retry', /it redirects/u],
  [
    'no structured metadata',
    400,
    'stream {a="b"} includes structured metadata, but this feature is disallowed. Please see `limits_config.allow_structured_metadata`',
    'retry',
    /set its allow_structured_metadata$/u,
  ],
  [
    'an entry that is too far behind',
    400,
    'entry with timestamp 1 ignored, reason: entry too far behind',
    'refused',
    /more than an hour older/u,
  ],
  ['an entry of the future', 400, 'has timestamp too new: 2030', 'refused', /lies in the future/u],
  ['a line that is too long', 400, "Max entry size '262144' bytes exceeded for stream", 'refused', /max_line_size$/u],
  ['another 400', 400, 'hunter2', 'refused', /^status 400 \(Bad Request\)$/u],
] as const)
  test(`${what}: ${kind}`, async (t) => {
    await using receiver = (await new StandIn().listen()) as StandIn;
    await using output = await outputFor(receiver.address);
    receiver.answers.push(status(code, body));
    const outcome = await output.send(batchFor(output, [exec(1)]));
    t.is(outcome.kind, kind);
    const { reason: said } = outcome as { reason: string };
    t.regex(said, reason);
    t.notRegex(said, /hunter2|stream \{/u);
  });

test('204 and an empty 200 are taken', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.answers.push(status(204), status(200));
  for (let i = 0; i < 2; i++) t.deepEqual(await output.send(batchFor(output, ITEMS)), { kind: 'taken' });
});

test('Retry-After is handed on, and 413 halves', async (t) => {
  await using receiver = (await new StandIn().listen()) as StandIn;
  await using output = await outputFor(receiver.address);
  receiver.answers.push(status(429, '', { 'Retry-After': '7' }));
  const { afterMs = 0 } = (await output.send(batchFor(output, ITEMS))) as { afterMs?: number };
  t.true(afterMs >= 7000 && afterMs < 9000);
  const { answer } = receiver;
  receiver.answer = (received, response, place) => {
    if (entriesIn(received.body).length > 2) return void response.writeHead(413).end();
    return answer(received, response, place);
  };
  t.deepEqual(await output.send(batchFor(output, [1, 2, 3, 4, 5].map(exec))), { kind: 'taken' });
  t.deepEqual(receiver.numbers, ['1', '2', '3', '4', '5']);
});
