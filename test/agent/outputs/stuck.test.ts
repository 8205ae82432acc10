import test from 'ava';
import { createOutput, outputSchema } from '../../../agent/outputs/kinds.ts';
import { STUCK_AFTER_MS } from '../../../agent/outputs/output.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

const NETWORK = [
  { type: 'http', url: 'https://collector.example/' },
  { type: 'syslog', transport: 'relp', address: 'collector.example:514' },
  { type: 'nats', servers: ['nats://collector.example'] },
  { type: 'kafka', brokers: ['collector.example:9092'], topic: 'probes' },
  { type: 'otlp', url: 'https://collector.example/v1/logs' },
  { type: 'elasticsearch', url: 'https://collector.example/' },
  { type: 'loki', url: 'https://collector.example/' },
];

async function stuckAfterMs(config: object): Promise<number | undefined> {
  const { stuckAfterMs: ms } = await createOutput(
    outputSchema.parse({ name: 'soc', ...config }),
    recordingTelemetry().telemetry,
  );
  return ms;
}

test('a network output is stuck after far more time than its timeout, and ten minutes at least', async (t) => {
  for (const config of NETWORK) {
    t.is(await stuckAfterMs(config), STUCK_AFTER_MS, config.type);
    t.is(await stuckAfterMs({ ...config, timeout: '5m' }), 10 * 300_000, config.type);
  }
});

test('every type of output has its rule: standard output waits for its reader for ever, a file has no timeouts', async (t) => {
  t.is(await stuckAfterMs({ type: 'stdout' }), Infinity);
  t.is(await stuckAfterMs({ type: 'file', path: '/var/log/x' }), undefined);
  const types = outputSchema.options.map((option) => option.shape.type.value as string);
  t.deepEqual(types.toSorted(), ['stdout', 'file', ...NETWORK.map(({ type }) => type)].toSorted());
});
