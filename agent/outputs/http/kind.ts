import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { httpOutputSchema } from './config.ts';

export const http: OutputKind<typeof httpOutputSchema> = {
  schema: httpOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).HttpOutput(config, telemetry),
  // Two outputs may well send to one address; an output that changes waits for its predecessor's last batch.
  destination: ({ name, url }) => ({ id: `http ${String(name)} ${String(url)}`, key: 'name' }),
  alsoWrites: deadLetterPlace,
};
