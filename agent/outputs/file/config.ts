import * as z from 'zod';
import { absolutePath } from '../../values/paths.ts';
import { size } from '../../values/quantities.ts';
import { formatKey } from '../../formats/config.ts';
import { commonOutputKeys } from '../common-config.ts';

export const fileOutputSchema = z
  .strictObject({
    type: z.literal('file'),
    ...commonOutputKeys,
    path: absolutePath.meta({ description: 'The file that events are appended to. Its folder must exist.' }),
    format: formatKey('native'),
    identity: z.boolean().default(false).meta({
      description:
        'Whether each line of the native format also says which host, boot and output it is from. Lines of the others always do.',
    }),
    max_bytes: size({
      min: '4KiB',
      max: '1TiB',
      byDefault: '64MiB',
      description: 'The file is rotated before it grows beyond this.',
    }),
    max_files: z
      .int({ error: 'expected a whole number from 1 to 1000' })
      .min(1, { error: 'expected a whole number from 1 to 1000' })
      .max(1000, { error: 'expected a whole number from 1 to 1000' })
      .default(5)
      .meta({ description: 'How many files are kept, the current one included: PATH, PATH.1 (newest) and so on.' }),
  })
  .meta({ description: 'JSON lines in a file that rotates by size.' });

export type FileOutputConfig = z.output<typeof fileOutputSchema>;

/** Whether each line says who it is from: seals then say what the file holds. */
export function saysWhoItIsFrom({ format, identity }: Pick<FileOutputConfig, 'format' | 'identity'>): boolean {
  return identity || format !== 'native';
}
