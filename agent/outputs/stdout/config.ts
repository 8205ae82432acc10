import * as z from 'zod';
import { formatKey } from '../../formats/config.ts';
import { commonOutputKeys } from '../common-config.ts';

export const stdoutOutputSchema = z
  .strictObject({
    type: z.literal('stdout'),
    ...commonOutputKeys,
    format: formatKey('native'),
    view: z.enum(['auto', 'live', 'json']).default('auto').meta({
      description:
        'live is a table for people, json is one event a line, auto is live on a terminal and json in a pipe.',
    }),
  })
  .superRefine(({ format, view }, context) => {
    if (view === 'live' && format !== 'native')
      context.addIssue({
        code: 'custom',
        message: 'expected with view json or auto: live is a table, and not JSON',
        path: ['format'],
        input: format,
      });
  })
  .meta({ description: "The agent's standard output." });

export type StdoutOutputConfig = z.output<typeof stdoutOutputSchema>;
