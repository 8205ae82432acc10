import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { webDestination } from '../web/config.ts';
import { httpOutputSchema } from './config.ts';

export const http: OutputKind<typeof httpOutputSchema> = {
  schema: httpOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).HttpOutput(config, telemetry),
  destination: webDestination,
  alsoWrites: deadLetterPlace,
  probe: async (config) => (await import('./probe.ts')).probe(config),
};
