import type { OutputKind } from '../kind.ts';
import { fileOutputSchema, saysWhoItIsFrom } from './config.ts';
import { filePlace } from './place.ts';

export const file: OutputKind<typeof fileOutputSchema> = {
  schema: fileOutputSchema,
  sealed: saysWhoItIsFrom,
  create: async (config, telemetry) => new (await import('./output.ts')).FileOutput(config, telemetry),
  destination: ({ path }) => (typeof path === 'string' ? filePlace(path, 'path') : undefined),
};
