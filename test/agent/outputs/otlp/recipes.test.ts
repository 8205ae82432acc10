import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';
import type { OtlpOutputConfig } from '../../../../agent/outputs/otlp/config.ts';
import { OtlpOutput } from '../../../../agent/outputs/otlp/output.ts';
import { Certificates } from '../../../support/certificates.ts';
import { OtlpReceiver } from '../../../support/otlp/receiver.ts';
import { recipe } from '../../../support/recipes.ts';
import { exec } from '../../support/items.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';
import { batchFor, emptyFolder } from './support.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

/** The output of the recipe in docs/outputs.md, sent to a receiver of this test. */
async function collector(receiver: OtlpReceiver, ca = certificates.cert('ca')) {
  const text = recipe('OpenTelemetry Collector', 'yaml')
    .replace('https://collector.example:4318', new URL(receiver.url).origin)
    .replace('/etc/platform-probes/ca.pem', ca)
    .replace('/etc/platform-probes/agent.pem', certificates.cert('client'))
    .replace('/etc/platform-probes/agent.key', certificates.key('client'))
    .replace('/var/log/platform-probes', emptyFolder());
  const loaded = parseConfig(text, 'recipe');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { telemetry, raised } = recordingTelemetry();
  const output = new OtlpOutput(loaded.config.outputs[0] as OtlpOutputConfig, telemetry);
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

test('OpenTelemetry Collector: log records over TLS, from an agent that shows its certificate', async (t) => {
  const asking = { ca: certificates.shown('ca').cert, requestCert: true, rejectUnauthorized: true };
  await using receiver = await new OtlpReceiver({ ...certificates.shown('server'), ...asking }).listen();
  await using output = await collector(receiver);
  t.deepEqual(await output.send(batchFor(output, [exec(1), exec(2)])), { kind: 'taken' });
  t.deepEqual(receiver.seqs, [1, 2]);
  t.like(receiver.requests[0], { path: '/v1/logs' });
  t.is(receiver.requests[0]!.headers['content-encoding'], 'gzip');
  t.deepEqual(output.raised, []);
});

test('a receiver that nobody vouches for gets nothing', async (t) => {
  await using receiver = await new OtlpReceiver(certificates.shown('server')).listen();
  await using output = await collector(receiver, certificates.cert('other-ca'));
  const outcome = await output.send(batchFor(output, [exec(1)]));
  t.like(outcome, { kind: 'retry' });
  t.regex((outcome as { reason: string }).reason, /tls\.ca/u);
  t.is(receiver.requests.length, 0);
});
