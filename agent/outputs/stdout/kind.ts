import type { OutputKind } from '../kind.ts';
import { stdoutOutputSchema } from './config.ts';
import { StdoutOutput } from './output.ts';

export const stdout: OutputKind<typeof stdoutOutputSchema> = {
  schema: stdoutOutputSchema,
  create: (config) => new StdoutOutput(config),
  destination: () => ({ id: 'stdout', key: 'type' }),
};
