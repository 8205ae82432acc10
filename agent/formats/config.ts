import * as z from 'zod';

/** The schemas of others that events can be written in. */
export const MAPPING_NAMES = ['ecs', 'ocsf'] as const;

export type MappingName = (typeof MAPPING_NAMES)[number];

/** How an output can write events: our own fields, or a schema of others. */
export type FormatName = 'native' | MappingName;

/** The key `format` of an output that writes lines of JSON. */
export const formatKey = z
  .enum(['native', ...MAPPING_NAMES])
  .default('native')
  .meta({
    description:
      'How an event is written: native is the line as it was received; ecs is Elastic Common Schema 9, ocsf is Open Cybersecurity Schema Framework 1.9.',
  });
