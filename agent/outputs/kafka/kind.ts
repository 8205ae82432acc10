import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { kafkaOutputSchema } from './config.ts';

export const kafka: OutputKind<typeof kafkaOutputSchema> = {
  schema: kafkaOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).KafkaOutput(config, telemetry),
  // Two outputs may well write to one topic; an output that changes waits for its predecessor's last batch.
  destination: ({ name, topic }) => ({ id: `kafka ${String(name)} ${String(topic)}`, key: 'name' }),
  alsoWrites: deadLetterPlace,
  probe: async (config) => (await import('./probe.ts')).probe(config),
};
