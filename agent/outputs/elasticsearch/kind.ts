import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { webDestination } from '../web/config.ts';
import { elasticsearchOutputSchema } from './config.ts';

export const elasticsearch: OutputKind<typeof elasticsearchOutputSchema> = {
  schema: elasticsearchOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).ElasticsearchOutput(config, telemetry),
  destination: webDestination,
  alsoWrites: deadLetterPlace,
  probe: async (config) => (await import('./probe.ts')).probe(config),
};
