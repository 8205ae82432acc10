import * as z from 'zod';
import { MAX_QUEUE_BYTES } from '../../store/limits.ts';
import type { StoreConfig } from '../../store/config.ts';
import type { OutputKind } from '../kind.ts';

/** The name of the output that `store` makes. */
export const STORE_NAME = 'store';

/** The store as an output. It has a key of its own in the configuration, which was checked by `storeSchema`. */
const storeOutputSchema = z.object({
  type: z.literal('store'),
  name: z.literal(STORE_NAME),
  events: z.literal('all'),
  max_queue_bytes: z.number(),
  folder: z.string(),
  max_bytes: z.number(),
  max_age: z.number(),
});

export type StoreOutputConfig = z.output<typeof storeOutputSchema>;

/** The output that writes a store. */
export function storeOutput(config: StoreConfig): StoreOutputConfig {
  return { type: 'store', name: STORE_NAME, events: 'all', max_queue_bytes: MAX_QUEUE_BYTES, ...config };
}

export const store: OutputKind<typeof storeOutputSchema> = {
  schema: storeOutputSchema,
  sealed: () => true,
  create: async (config, telemetry) => new (await import('./output.ts')).StoreOutput(config, telemetry),
  destination: ({ folder }) => (typeof folder === 'string' ? { id: `store ${folder}`, key: 'folder' } : undefined),
};
