import type { OutputKind } from '../kind.ts';
import { deadLetterPlace } from '../network/dead-letters.ts';
import { webDestination } from '../web/config.ts';
import { otlpOutputSchema } from './config.ts';

export const otlp: OutputKind<typeof otlpOutputSchema> = {
  schema: otlpOutputSchema,
  spooled: true,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).OtlpOutput(config, telemetry),
  destination: webDestination,
  alsoWrites: deadLetterPlace,
  probe: async (config) => (await import('./probe.ts')).probe(config),
};
