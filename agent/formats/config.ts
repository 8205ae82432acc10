import * as z from 'zod';

/** The schemas of others that events can be written in. */
export const MAPPING_NAMES = ['ecs', 'ocsf'] as const;

export type MappingName = (typeof MAPPING_NAMES)[number];

/** How an output can write events: our own fields, or a schema of others. */
export type FormatName = 'native' | MappingName;

/**
 * The length of a usual native line, as a share of the line that is sent. Deliveries count native lines; an output whose receiver
 * limits the bytes of a request asks for batches that are smaller by this share. A batch that is still too long is sent in parts.
 */
export const SHARE_BEFORE_FORMAT: Readonly<Record<FormatName, number>> = { native: 2 / 3, ecs: 0.4, ocsf: 0.4 };

/** The key `format` of an output that writes lines of JSON. */
export function formatKey(byDefault: FormatName) {
  return z
    .enum(['native', ...MAPPING_NAMES])
    .default(byDefault)
    .meta({
      description:
        'How an event is written: native is the line as it was received; ecs is Elastic Common Schema 9, ocsf is Open Cybersecurity Schema Framework 1.9.',
    });
}
