import * as z from 'zod';
import { absolutePath } from '../values/paths.ts';
import { LEVELS } from '../rules/parse/metadata.ts';
import { parseSuppression } from '../rules/suppress.ts';
import { MAX_RULE_FOLDERS } from './limits.ts';

const SUPPRESSION =
  'expected such as "once per 10m per exe": a number with s, m, h or d, then any number of "per FIELD"';

/**
 * `filters`. zod does not validate this part: a detection is Sigma, and the Sigma reader reports the problems of the whole
 * list. This schema only feeds the JSON Schema.
 */
export const filtersSchema = z
  .unknown()
  .optional()
  .meta({
    description:
      'Which events are kept. The first filter that matches decides; an event that no filter matches is kept.',
    type: 'array',
    items: {
      type: 'object',
      properties: {
        name: { description: 'Names the filter in the log and in metrics.', type: 'string' },
        detection: {
          description: 'A Sigma detection: search identifiers and a condition.',
          type: 'object',
          required: ['condition'],
        },
        action: { description: 'What happens to an event that matches.', enum: ['drop', 'keep'] },
      },
      required: ['detection', 'action'],
      additionalProperties: false,
    },
  });

const suppression = z.strictObject({
  rules: z
    .array(z.string().min(1))
    .min(1, { error: 'expected at least one rule; leave the key out for all' })
    .optional()
    .meta({
      description: 'Ids, names or titles of the rules that this entry applies to. Without this key, it applies to all.',
    }),
  report: z
    .string({ error: SUPPRESSION })
    .refine((text) => parseSuppression(text) !== undefined, { error: SUPPRESSION })
    .meta({ description: 'How often a rule alerts: "once per 10m per exe".' }),
});

/** `rules`: which rules are loaded, and how often they alert. */
export const rulesSchema = z.strictObject({
  builtin: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether the starter rules that come with the agent are used.' }),
  folders: z
    .array(absolutePath, { error: (issue) => (issue.input === undefined ? undefined : 'expected a list of folders') })
    .max(MAX_RULE_FOLDERS, { error: `expected at most ${MAX_RULE_FOLDERS} folders` })
    .default([])
    .meta({ description: 'Folders of Sigma rules: every .yml and .yaml file in them and below.' }),
  min_level: z
    .enum(LEVELS)
    .default('low')
    .meta({ description: 'Rules below this level are not used. A rule without a level is used.' }),
  placeholders: z
    .record(z.string().min(1), z.array(z.string()).min(1, { error: 'expected at least one value' }))
    .default({})
    .meta({ description: 'Values of %name% in rules and filters (the expand modifier).' }),
  suppress: z
    .array(suppression)
    .max(1000, { error: 'expected at most 1000 entries' })
    .default([])
    .meta({ description: 'How often rules alert. The first entry that names a rule applies to it.' }),
});

export type RulesConfig = z.output<typeof rulesSchema>;
