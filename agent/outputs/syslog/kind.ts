import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { syslogOutputSchema, weaknessOf } from './config.ts';

export const syslog: OutputKind<typeof syslogOutputSchema> = {
  schema: syslogOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).SyslogOutput(config, telemetry),
  // Two outputs may well send to one receiver; an output that changes waits for its predecessor's last batch.
  destination: ({ name, address, path }) => ({ id: `syslog ${String(name)} ${String(address ?? path)}`, key: 'name' }),
  alsoWrites: deadLetterPlace,
  probe: async (config) => (await import('./probe.ts')).probe(config),
  weakness: weaknessOf,
};
