import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { natsOutputSchema } from './config.ts';

export const nats: OutputKind<typeof natsOutputSchema> = {
  schema: natsOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).NatsOutput(config, telemetry),
  // Two outputs may well send to one system; an output that changes waits for its predecessor's last batch.
  destination: ({ name, servers }) => ({ id: `nats ${String(name)} ${String(servers)}`, key: 'name' }),
  alsoWrites: deadLetterPlace,
  probe: async (config) => (await import('./probe.ts')).probe(config),
};
