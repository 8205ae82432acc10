import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { webDestination } from '../web/config.ts';
import { lokiOutputSchema } from './config.ts';

export const loki: OutputKind<typeof lokiOutputSchema> = {
  schema: lokiOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).LokiOutput(config, telemetry),
  destination: webDestination,
  alsoWrites: deadLetterPlace,
  probe: async (config) => (await import('./probe.ts')).probe(config),
};
