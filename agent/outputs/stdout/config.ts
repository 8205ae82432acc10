import * as z from 'zod';
import { commonOutputKeys } from '../common-config.ts';

export const stdoutOutputSchema = z
  .strictObject({
    type: z.literal('stdout'),
    ...commonOutputKeys,
    format: z
      .enum(['native'])
      .default('native')
      .meta({ description: 'How an event is written as JSON: native is the line as it was received.' }),
    view: z.enum(['auto', 'live', 'json']).default('auto').meta({
      description:
        'live is a table for people, json is one event a line, auto is live on a terminal and json in a pipe.',
    }),
  })
  .meta({ description: "The agent's standard output." });

export type StdoutOutputConfig = z.output<typeof stdoutOutputSchema>;
