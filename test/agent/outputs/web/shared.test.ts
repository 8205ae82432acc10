import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { OutputConfig } from '../../../../agent/outputs/kinds.ts';
import { createOutput, isSealed, isSpooled, outputSchema, placesOf } from '../../../../agent/outputs/kinds.ts';
import { Certificates } from '../../../support/certificates.ts';
import { Receiver, status, type Answer } from '../../../support/receiver.ts';
import { formattedBatch } from '../../support/batches.ts';
import { exec } from '../../support/items.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

/** Nobody looks at what was sent: it may be no JSON. */
const answering =
  (code: number): Answer =>
  (_, response) =>
    void response.writeHead(code).end();

/** A good reply of each receiver. */
const TAKEN: Readonly<Record<string, Answer>> = {
  http: answering(200),
  elasticsearch: ({ body }, response) => {
    const items = body
      .trimEnd()
      .split('\n')
      .slice(1)
      .filter((_, i) => i % 2 === 0);
    response.end(JSON.stringify({ errors: false, items: items.map(() => ({ create: { status: 201 } })) }));
  },
  loki: answering(204),
  otlp: answering(200),
};

test('every output over HTTP is among those of this file', (t) => {
  const overHttp = outputSchema.options.filter(({ shape }) => 'url' in shape && 'auth' in shape);
  t.deepEqual(overHttp.map(({ shape }) => shape.type.value).toSorted(), Object.keys(TAKEN).toSorted());
});

const folder = (): string => mkdtempSync(join(tmpdir(), 'probes-web-'));

async function outputFor(type: string, url: string, more: object) {
  const config: OutputConfig = outputSchema.parse({ type, name: 'soc', url, timeout: '2s', ...more });
  const { telemetry, raised } = recordingTelemetry();
  const output = await createOutput(config, telemetry);
  await output.open();
  const batch = formattedBatch(output.format!, [1, 2, 3].map(exec));
  return Object.assign(output, { config, batch, raised, [Symbol.asyncDispose]: () => output.close() });
}

/** Properties that every output over HTTP has from WebOutput. */
for (const type of Object.keys(TAKEN)) {
  const listen = async (tls?: ConstructorParameters<typeof Receiver>[0]): Promise<Receiver> => {
    const receiver = await new Receiver(tls).listen();
    receiver.answer = TAKEN[type]!;
    return receiver;
  };

  test(`${type}: a certificate is asked for, shown, and checked`, async (t) => {
    await using receiver = await listen({
      ...certificates.shown('server'),
      ca: certificates.shown('ca').cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const ours = { cert: certificates.cert('client'), key: certificates.key('client') };
    await using good = await outputFor(type, receiver.url, { tls: { ca: certificates.cert('ca'), ...ours } });
    t.deepEqual(await good.send(good.batch), { kind: 'taken' });
    await using bad = await outputFor(type, receiver.url, { tls: { ca: certificates.cert('other-ca'), ...ours } });
    t.is((await bad.send(bad.batch)).kind, 'retry');
    t.is(receiver.requests.length, 1);
  });

  test(`${type}: a secret that is replaced is used at once where the old one is not taken`, async (t) => {
    await using receiver = await listen();
    const path = join(folder(), 'token');
    writeFileSync(path, 'hunter2');
    await using output = await outputFor(type, receiver.url, { auth: { token_file: path, scheme: 'ApiKey' } });
    receiver.answers.push((received, response, place) => {
      writeFileSync(path, 'new');
      return status(401, 'hunter2')(received, response, place);
    });
    t.deepEqual(await output.send(output.batch), { kind: 'taken' });
    t.deepEqual(
      receiver.requests.map(({ headers }) => headers.authorization),
      ['ApiKey hunter2', 'ApiKey new'],
    );
  });

  test(`${type}: what is refused is a dead letter, without the secret, and makes no noise in the log`, async (t) => {
    await using receiver = await listen();
    const path = join(folder(), 'dead.jsonl');
    const token = join(folder(), 'token');
    writeFileSync(token, 'hunter2');
    await using output = await outputFor(type, receiver.url, { auth: { token_file: token }, dead_letter: { path } });
    receiver.answer = status(422, 'no: hunter2');
    const outcome = await output.send(output.batch);
    t.like(outcome, { kind: 'refused', records: [0, 1, 2] });
    const letters = readFileSync(path, 'utf8').trimEnd().split('\n');
    t.is(letters.length, 3);
    for (const letter of letters) t.like(JSON.parse(letter), { output: 'soc', reply: 'no: ***' });
    t.notRegex(JSON.stringify([outcome, output.raised, letters]), /hunter2/u);
  });

  test(`${type}: no answer in time, nobody there: the batch is sent again`, async (t) => {
    await using receiver = await listen();
    await using output = await outputFor(type, receiver.url, { timeout: '300ms' });
    receiver.answers.push(() => undefined);
    t.like(await output.send(output.batch), { kind: 'retry', reason: 'no answer in time (timeout)', taken: 0 });
    await receiver.stop();
    t.like(await output.send(output.batch), { kind: 'retry', reason: 'nobody listens there (ECONNREFUSED)' });
    await receiver.listen();
    t.deepEqual(await output.send(output.batch), { kind: 'taken' });
  });

  test(`${type}: limits, pace and what it says of itself`, async (t) => {
    await using output = await outputFor(type, 'http://collector.example/', {
      max_rate: 7,
      batch: { max_bytes: '10KiB', max_events: 50, max_age: '2s' },
      dead_letter: { path: join(folder(), 'dead') },
    });
    t.like(output.limits, { records: 7, ageMs: 2000 });
    t.true(output.limits!.bytes < 10 * 1024);
    t.deepEqual(
      output.raised.map(({ event }) => event),
      ['OutputUnprotected'],
    );
    t.true(isSpooled(output.config) && isSealed(output.config));
    t.deepEqual(
      placesOf({ ...output.config }).map(({ key }) => key),
      ['name', 'dead_letter'],
    );
  });
}
