import { takeBatch as take } from '../../../agent/delivery/batch.ts';
import type { PendingBatch } from '../../../agent/delivery/pending-batch.ts';

/** The next batch of an output that makes no seals: no mark is passed over. */
export function takeBatch(...args: Parameters<typeof take>): PendingBatch | undefined {
  const batch = take(...args);
  if (batch === 'passed') throw new Error('a mark was passed over');
  return batch;
}
