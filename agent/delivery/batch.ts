import type { Format } from '../formats/format.ts';
import type { BatchLimits } from '../outputs/output.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { FactSelection } from './enriched-line.ts';
import type { LogReader, Piece, Run } from './log/reader.ts';
import { PendingBatch } from './pending-batch.ts';
import type { Sealer } from './seal/sealer.ts';

/**
 * Takes the next batch from the log: records of one boot, as many as the limits allow. Adjacent lines that no format
 * changes are not copied. A seal is the first line of a batch, so that everything before it has been settled.
 * @param facts that go into the lines
 * @returns undefined when the log has no more records; `passed` when a mark was passed over, behind which there may be more
 */
export function takeBatch(
  cursor: LogReader,
  format: Format | undefined,
  limits: BatchLimits,
  sealer?: Sealer,
  facts?: FactSelection,
): PendingBatch | 'passed' | undefined {
  const last = sealer?.sealBefore(cursor.nextBootId());
  if (sealer !== undefined && last !== undefined)
    return new BatchBuilder(format, sealer.state?.boot_id, sealer).addSeal(last).finish();
  const first = cursor.take(limits);
  if (first === undefined) return undefined;
  if (format === undefined && sealer === undefined && facts === undefined && 'segment' in first && !cursor.alertsOnly)
    return slice(first);
  const builder = new BatchBuilder(format, first.bootId, sealer, facts);
  for (let piece: Piece | undefined = first; piece !== undefined;) {
    builder.add(piece);
    const room = { bytes: limits.bytes - builder.bytes, records: limits.records - builder.records };
    piece = room.bytes > 0 && room.records > 0 ? cursor.take(room, first) : undefined;
  }
  if (builder.records > 0) return builder.finish();
  // A mark that the stream is ahead of.
  cursor.commit(sealer?.state);
  return 'passed';
}

function slice({ segment, from, to, bootId }: Run): PendingBatch {
  // The segment's own index: while it is lent, what it says of these records does not change.
  return new PendingBatch(segment.memory, segment.startOf(from), segment.index, bootId, { from, to });
}
