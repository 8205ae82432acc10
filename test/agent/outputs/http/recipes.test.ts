import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';
import type { HttpOutputConfig } from '../../../../agent/outputs/http/config.ts';
import { HttpOutput } from '../../../../agent/outputs/http/output.ts';
import { Certificates } from '../../../support/certificates.ts';
import { Receiver, status } from '../../../support/receiver.ts';
import { recipe } from '../../../support/recipes.ts';
import { exec } from '../../support/items.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';
import { batchFor, emptyFolder } from './support.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

const SERVER = certificates.shown('server');
const ASKING = { ...SERVER, ca: certificates.shown('ca').cert, requestCert: true, rejectUnauthorized: true };

/** The output of a recipe in docs/outputs.md, sent to a server of this test. */
async function outputOf(title: string, receiver: Receiver) {
  const token = join(emptyFolder(), 'token');
  writeFileSync(token, 't0ken\n');
  const text = recipe(title, 'yaml')
    .replace(/https:\/\/[^/]+\/\S*/u, (url) =>
      receiver.url.replace('/events', new URL(url).pathname + new URL(url).search),
    )
    .replace(/\$CREDENTIALS_DIRECTORY\/splunk-token|\/etc\/platform-probes\/hook\.token/u, token)
    .replace('/etc/platform-probes/ca.pem', certificates.cert('ca'))
    .replace('/etc/platform-probes/agent.pem', certificates.cert('client'))
    .replace('/etc/platform-probes/agent.key', certificates.key('client'))
    .replace('/var/log/platform-probes', emptyFolder());
  const loaded = parseConfig(text, title);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const config = loaded.config.outputs[0] as HttpOutputConfig;
  const output = new HttpOutput(
    { ...config, tls: { verify: true, ca: certificates.cert('ca'), ...config.tls } },
    recordingTelemetry().telemetry,
  );
  await output.open();
  return Object.assign(output, { [Symbol.asyncDispose]: () => output.close() });
}

test('Splunk: the token, the channel and the replies are as its documentation says', async (t) => {
  await using receiver = await new Receiver(SERVER).listen();
  await using output = await outputOf('Splunk (HTTP Event Collector)', receiver);
  receiver.answers.push(
    status(503, '{"text":"Server is busy","code":9}'),
    status(403, '{"text":"Invalid token","code":4}'),
    status(200, '{"text":"Success","code":0}'),
    status(400, '{"text":"Invalid data format","code":6}'),
  );
  const batch = batchFor(output, [exec(1)]);
  const outcomes = [];
  for (let i = 0; i < 4; i++) outcomes.push(await output.send(batch));
  t.deepEqual(
    outcomes.map((outcome) => [outcome.kind, 'reason' in outcome ? outcome.reason : '']),
    [
      ['retry', 'status 503 (Service Unavailable), error 9'],
      ['retry', 'status 403 (Forbidden), error 4: the receiver does not take the credentials; see auth'],
      ['taken', ''],
      ['refused', 'status 400 (Bad Request), error 6'],
    ],
  );
  const { headers, path } = receiver.requests[0]!;
  t.is(path, '/services/collector/raw?sourcetype=platform-probes');
  t.like(headers, { 'authorization': 'Splunk t0ken', 'x-splunk-request-channel': 'boot' });
});

test('a webhook gets one object a request, with a key that tells a repetition', async (t) => {
  await using receiver = await new Receiver(SERVER).listen();
  await using output = await outputOf('A webhook for alerts', receiver);
  t.is(output.limits.records, 1);
  receiver.answers.push(status(500));
  const batch = batchFor(output, [exec(7)]);
  await output.send(batch);
  await output.send(batch);
  const [first, second] = receiver.requests;
  t.like(first!.headers, { 'x-api-key': 't0ken', 'content-type': 'application/json', 'authorization': undefined });
  t.regex(String(first!.headers['idempotency-key']), /^boot:pager:7-7:[0-9a-f]{8}$/u);
  t.is(second!.headers['idempotency-key'], first!.headers['idempotency-key']);
  t.is((JSON.parse(first!.body) as { seq: number }).seq, 7);
});

test('a web server of your own gets compressed lines from an agent that shows its certificate', async (t) => {
  await using receiver = await new Receiver(ASKING).listen();
  await using output = await outputOf('A web server of your own', receiver);
  t.is((await output.send(batchFor(output, [exec(1), exec(2)]))).kind, 'taken');
  t.deepEqual(receiver.seqs, [1, 2]);
  t.is(receiver.requests[0]!.headers['content-encoding'], 'gzip');
});
