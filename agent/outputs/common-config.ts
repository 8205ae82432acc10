import * as z from 'zod';
import { FACT_NAMES } from '../events/facts.ts';
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
  enrich: z
    .array(z.enum(FACT_NAMES))
    .superRefine((names, context) => {
      for (const [i, name] of names.entries())
        if (names.indexOf(name) !== i)
          context.addIssue({ code: 'custom', message: `${name} is there twice`, path: [i], input: name });
    })
    .optional()
    .meta({
      description:
        'Facts that events do not carry and that go into each exec event of this output: names of user and group, the command line of the parent, ancestors, the SHA-256 of the image, the entity id, the container. Left out: none. docs/enrichment.md has their costs and limits.',
    }),
  max_queue_bytes: size({
    min: '64KiB',
    max: '1GiB',
    byDefault: '32MiB',
    description:
      'How much may wait for this output while it is slow or failing; the default has room for one whole replay of the helper. Beyond it, events are dropped for this output and a gap event tells it which.',
  }),
};
