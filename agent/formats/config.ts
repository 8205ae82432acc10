import * as z from 'zod';

/** How an output can write events: our own fields, or a schema of others. */
export const FORMATS = ['native', 'ecs', 'ocsf'] as const;

export type FormatName = (typeof FORMATS)[number];

/** The key `format` of an output that writes lines of JSON. */
export const formatKey = z.enum(FORMATS).default('native').meta({
  description:
    'How an event is written: native is the line as it was received; ecs is Elastic Common Schema 9, ocsf is Open Cybersecurity Schema Framework 1.9.',
});
