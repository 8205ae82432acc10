import * as z from 'zod';
import { absolutePath } from '../../values/paths.ts';
import { parseDuration, size } from '../../values/quantities.ts';

const SYNC_BOUNDS = { least: '100ms', most: '1m' };
const SYNC_ERROR = `expected "batch", or a duration from ${SYNC_BOUNDS.least} to ${SYNC_BOUNDS.most}, such as 1s`;

/** `1s` in milliseconds, or `batch`. */
const sync = z
  .string({ error: SYNC_ERROR })
  .refine(
    (text) => {
      const ms = parseDuration(text);
      return text === 'batch' || (ms !== undefined && ms >= 100 && ms <= 60_000);
    },
    { error: SYNC_ERROR },
  )
  .transform((text): number | 'batch' => (text === 'batch' ? text : parseDuration(text)!))
  .prefault('1s')
  .meta({
    description:
      'How often what is written is forced to disk. Only a crash of the machine can take more: what a killed agent had not written, the helper still holds. batch: each write, before it counts.',
    default: '1s',
  });

/** The spool on disk. Only outputs that send over a network use it. */
export const spoolSchema = z.strictObject({
  folder: absolutePath.meta({
    description:
      "The agent's own folder for the spool; made when it is not there. Nobody else may reach it (mode 0700).",
  }),
  max_bytes: size({
    min: '64MiB',
    max: '16TiB',
    byDefault: '1GiB',
    description: 'How much disk the spool takes at most.',
  }),
  when_full: z.enum(['drop_oldest', 'block']).default('drop_oldest').meta({
    description:
      'drop_oldest: the oldest events are given up, and a gap event tells each output which. block: nothing more is read from the helper, for all outputs, until there is room.',
  }),
  sync,
  reserve: size({
    min: '0B',
    max: '16TiB',
    byDefault: '256MiB',
    description: 'Free disk that the spool leaves alone.',
  }),
});

export type SpoolConfig = z.output<typeof spoolSchema>;
