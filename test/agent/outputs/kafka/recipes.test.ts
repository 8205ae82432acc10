import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';
import type { KafkaOutputConfig } from '../../../../agent/outputs/kafka/config.ts';
import { KafkaOutput } from '../../../../agent/outputs/kafka/output.ts';
import { Certificates } from '../../../support/certificates.ts';
import { KafkaBroker } from '../../../support/kafka/broker.ts';
import { recipe } from '../../../support/recipes.ts';
import { exec } from '../../support/items.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';
import { emptyFolder, file, sent } from './support.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

test('the recipe of docs/outputs.md works with a broker that wants TLS and a password', async (t) => {
  const sasl = { mechanisms: ['SCRAM-SHA-512'], user: 'probes', password: 's3cret' };
  await using broker = await new KafkaBroker({
    topic: 'platform-probes',
    tls: certificates.shown('server'),
    sasl,
  }).listen();
  const text = recipe('Kafka', 'yaml')
    .replaceAll(/kafka\d\.example:9093/gu, broker.address)
    .replace('/etc/platform-probes/ca.pem', certificates.cert('ca'))
    .replace('/etc/platform-probes/kafka.password', file('s3cret\n'))
    .replace('/var/log/platform-probes', emptyFolder());
  const loaded = parseConfig(text, 'agent.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { telemetry, raised } = recordingTelemetry();
  const output = new KafkaOutput(loaded.config.outputs[0] as KafkaOutputConfig, telemetry);
  await output.open();
  t.is(await sent(output, [exec(1), exec(2)]), 'taken');
  await output.close();
  t.deepEqual(broker.seqs, [1, 2]);
  t.is(broker.produced[0]!.codec, 4);
  t.deepEqual(raised, []);
});
