import type { OutputKind } from '../kind.ts';
import { fileOutputSchema } from './config.ts';
import { filePlace } from './place.ts';
import { FileOutput } from './output.ts';

export const file: OutputKind<typeof fileOutputSchema> = {
  schema: fileOutputSchema,
  create: (config, telemetry) => new FileOutput(config, telemetry),
  destination: ({ path }) => (typeof path === 'string' ? filePlace(path, 'path') : undefined),
};
