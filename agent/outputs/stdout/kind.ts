import type { OutputKind } from '../kind.ts';
import { stdoutOutputSchema } from './config.ts';

export const stdout: OutputKind<typeof stdoutOutputSchema> = {
  schema: stdoutOutputSchema,
  create: async (config) => new (await import('./output.ts')).StdoutOutput(config),
  destination: () => ({ id: 'stdout', key: 'type' }),
};
