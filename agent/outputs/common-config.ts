import * as z from 'zod';
import { size } from '../values/quantities.ts';

/** The keys that every output has, whatever its type. */
export const commonOutputKeys = {
  name: z
    .string({ error: 'expected a name: letters, digits, ".", "_" or "-", at most 64' })
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
      error: 'expected a name: letters, digits, ".", "_" or "-", at most 64',
    })
    .meta({ description: 'Names the output in the log. Unique.' }),
  events: z
    .enum(['all', 'alerts'])
    .default('all')
    .meta({ description: 'Which events the output gets: all, or those that rules matched. Gaps always.' }),
  max_queue_bytes: size({
    min: '64KiB',
    max: '1GiB',
    byDefault: '32MiB',
    description:
      'How much may wait for this output while it is slow or failing; the default has room for one whole replay of the helper. Beyond it, events are dropped for this output and a gap event tells it which.',
  }),
};
