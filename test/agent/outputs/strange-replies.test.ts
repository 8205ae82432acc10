import test, { type ExecutionContext } from 'ava';
import { createOutput, outputSchema } from '../../../agent/outputs/kinds.ts';
import { Receiver } from '../../support/receiver.ts';
import { formattedBatch } from '../support/batches.ts';
import { exec } from '../support/items.ts';
import { recordingTelemetry } from '../support/telemetry.ts';
import { StandIn } from './nats/server.ts';

const DEPTH = 12_000;

/** Values of JSON that a reader may not expect, as they are written. */
const STRANGE = [
  'null',
  'true',
  '-1',
  '0.5',
  '1e999',
  '9007199254740993',
  '""',
  '"\\ud800"',
  '[]',
  '{}',
  '{"toString":1,"valueOf":1}',
  '{"__proto__":null,"constructor":1,"toJSON":1,"then":1,"length":-1}',
  '['.repeat(DEPTH) + ']'.repeat(DEPTH),
  '{"a":'.repeat(DEPTH) + '1' + '}'.repeat(DEPTH),
];

/** Texts and numbers, objects, and lists that hold no further ones. */
const VALUES = [/(?<=[:[])(?:"[^"]*"|-?\d+|true|false|null)/gu, /(?<=[:[])\{[^{}]*\}/gu, /(?<=:)\[[^[\]]*\]/gu];

/** Every value of a reply in turn, the whole of it too, with each of the strange ones in its place. */
function* variants(reply: string): Generator<string> {
  yield* STRANGE;
  for (const value of VALUES)
    for (const { index, 0: found } of reply.matchAll(value))
      for (const strange of STRANGE) yield reply.slice(0, index) + strange + reply.slice(index + found.length);
}

const REPLIES: Readonly<Record<string, readonly (readonly [status: number, body: string])[]>> = {
  http: [[400, '{"code":7,"text":"no"}']],
  elasticsearch: [
    [
      200,
      '{"errors":true,"items":[{"create":{"_id":"x","status":400,"error":{"type":"mapper_parsing_exception","reason":"no"}}}]}',
    ],
    [400, '{"error":{"type":"parse_exception"},"status":400}'],
  ],
  loki: [[400, '{"message":"entry too far behind"}']],
  otlp: [
    [200, '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}'],
    [400, '{"code":3,"message":"no"}'],
  ],
};

async function outputFor(more: object) {
  const output = await createOutput(
    outputSchema.parse({ name: 'soc', timeout: '5s', ...more }),
    recordingTelemetry().telemetry,
  );
  await output.open();
  const send = (): Promise<{ kind: string }> => output.send(formattedBatch(output.format!, [exec(1)]));
  return { send, [Symbol.asyncDispose]: () => output.close() };
}

async function judged(
  t: ExecutionContext,
  output: { send(): Promise<{ kind: string }> },
  reply: string,
): Promise<void> {
  const shown = reply.slice(0, 200);
  await t.notThrowsAsync(async () => {
    const { kind } = await output.send();
    t.true(['taken', 'retry', 'refused'].includes(kind), shown);
  }, shown);
}

test('every value is replaced, those in lists and objects too', (t) => {
  const all = [...variants('{"a":1,"b":[{"c":"x"}]}')];
  for (const text of [
    'null',
    '{"a":null,"b":[{"c":"x"}]}',
    '{"a":1,"b":null}',
    '{"a":1,"b":[null]}',
    '{"a":1,"b":[{"c":null}]}',
  ])
    t.true(all.includes(text), text);
});

for (const [type, replies] of Object.entries(REPLIES))
  test(`${type}: whatever stands in a reply, it has a verdict`, async (t) => {
    await using receiver = await new Receiver().listen();
    await using output = await outputFor({ type, url: receiver.url, ...(type === 'otlp' ? { encoding: 'json' } : {}) });
    for (const [status, body] of replies)
      for (const variant of variants(body)) {
        receiver.answer = (_, response) =>
          void response.writeHead(status, { 'content-type': 'application/json' }).end(variant);
        await judged(t, output, variant);
      }
  });

test('nats: whatever stands in an acknowledgement, it has a verdict, and nothing ends', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor({ type: 'nats', servers: [server.url], subject: 'probes' });
  for (const reply of [
    '{"stream":"S","seq":1,"duplicate":true}',
    '{"error":{"code":503,"err_code":10077,"description":"no"},"stream":"S","seq":0}',
  ])
    for (const variant of variants(reply)) {
      server.answer = () => variant;
      await judged(t, output, variant);
    }
});
