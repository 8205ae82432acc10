import * as z from 'zod';
import { size } from '../values/quantities.ts';

/** `enrichment`: limits of what outputs ask for with `enrich`. */
export const enrichmentSchema = z.strictObject({
  hash_rate: size({
    min: '64KiB',
    max: '1GiB',
    byDefault: '32MiB',
    description:
      'How many bytes of images are read a second, on average, to hash them for outputs; four seconds of it can be saved up.',
  }),
});
