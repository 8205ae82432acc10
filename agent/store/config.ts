import * as z from 'zod';
import { absolutePath } from '../values/paths.ts';
import { duration, size } from '../values/quantities.ts';

/** `store`: a database of events on this machine, for `probes-agent query`. */
export const storeSchema = z.strictObject({
  folder: absolutePath.meta({
    description:
      "The store's own folder; the agent makes it with mode 0700 where it is missing. With mode 2750 its group may query.",
  }),
  max_bytes: size({
    min: '256MiB',
    max: '16TiB',
    byDefault: '1GiB',
    description: 'How much disk the store takes at most, with its write-ahead log. The oldest events go first.',
  }),
  max_age: duration({
    min: '1h',
    max: '3650d',
    byDefault: '30d',
    description: 'How long an event stays in the store at most, counted from when it was stored.',
  }),
});

export type StoreConfig = z.output<typeof storeSchema>;
