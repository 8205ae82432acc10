import { Item, NO_NUMBER } from '../events/item.ts';
import type { Format, FormatContext } from '../formats/format.ts';
import type { Batch, BatchLimits } from '../outputs/output.ts';
import type { Piece, Run } from './log/cursor.ts';
import { FLAG, type RecordIndex } from './log/memory-segment.ts';
import type { LogReader } from './log/reader.ts';

const NEWLINE = 10;
const FIRST_BYTES = 4096;

/** A batch that is being sent. Its first records may have arrived already. */
export class PendingBatch implements Batch {
  readonly bootId: string | undefined;
  readonly #memory: Buffer;
  readonly #start: number;
  readonly #index: RecordIndex;
  #sent = 0;

  /**
   * @param memory holds the lines, side by side, from `start` on
   * @param index of these records only; its ends are offsets in `memory`
   */
  constructor(memory: Buffer, start: number, index: RecordIndex, bootId: string | undefined) {
    this.#memory = memory;
    this.#start = start;
    this.#index = index;
    this.bootId = bootId;
  }

  /** Records that have arrived. */
  get sent(): number {
    return this.#sent;
  }

  get records(): number {
    return this.#index.ends.length - this.#sent;
  }

  get lines(): Buffer {
    return this.#memory.subarray(this.#from, this.#index.ends.at(-1));
  }

  get first(): number {
    const { firsts } = this.#index;
    return firsts.subarray(this.#sent).find((number) => number !== NO_NUMBER) ?? NO_NUMBER;
  }

  get last(): number {
    const { lasts } = this.#index;
    return lasts.subarray(this.#sent).findLast((number) => number !== NO_NUMBER) ?? NO_NUMBER;
  }

  get #from(): number {
    return this.#sent === 0 ? this.#start : this.#index.ends[this.#sent - 1]!;
  }

  endOf(i: number): number {
    return this.#index.ends[this.#sent + i]! - this.#from;
  }

  numbersOf(i: number): { first: number; last: number } {
    return { first: this.#index.firsts[this.#sent + i]!, last: this.#index.lasts[this.#sent + i]! };
  }

  isGap(i: number): boolean {
    return (this.#index.flags[this.#sent + i]! & FLAG.gap) !== 0;
  }

  /** Marks the first `records` as arrived. @returns whether any are left */
  advance(records: number): boolean {
    this.#sent = Math.min(this.#sent + records, this.#index.ends.length);
    return this.records > 0;
  }
}

/**
 * Takes the next batch from the log: records of one boot, as many as the limits allow. Adjacent lines that no format
 * changes are not copied.
 * @returns undefined when the log has no more records
 */
export function takeBatch(
  cursor: LogReader,
  format: Format | undefined,
  limits: BatchLimits,
): PendingBatch | undefined {
  const first = cursor.take(limits);
  if (first === undefined) return undefined;
  if (format === undefined && 'segment' in first && !cursor.alertsOnly) return slice(first);
  const builder = new Builder(format, { bootId: first.bootId });
  for (let piece: Piece | undefined = first; piece !== undefined;) {
    builder.add(piece);
    const room = { bytes: limits.bytes - builder.bytes, records: limits.records - builder.records };
    piece = room.bytes > 0 && room.records > 0 ? cursor.take(room, first) : undefined;
  }
  return builder.finish();
}

function slice({ segment, from, to, bootId }: Run): PendingBatch {
  const { ends, firsts, lasts, flags } = segment.index;
  const index = {
    ends: ends.subarray(from, to),
    firsts: firsts.subarray(from, to),
    lasts: lasts.subarray(from, to),
    flags: flags.subarray(from, to),
  };
  return new PendingBatch(segment.memory, segment.startOf(from), index, bootId);
}

/** Joins lines that are not adjacent or need another format. */
class Builder {
  readonly #format: Format | undefined;
  readonly #context: FormatContext;
  #memory = Buffer.allocUnsafe(FIRST_BYTES);
  #bytes = 0;
  readonly #ends: number[] = [];
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];
  readonly #flags: number[] = [];

  /** @param context of all added lines: a batch belongs to one boot */
  constructor(format: Format | undefined, context: FormatContext) {
    this.#format = format;
    this.#context = context;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get records(): number {
    return this.#ends.length;
  }

  add(piece: Piece): void {
    // A cursor only makes lines for gaps.
    if ('item' in piece) return this.#addItem(piece.item, FLAG.gap);
    const { segment, from, to } = piece;
    for (let record = from; record < to; record++) {
      this.#addItem(
        new Item(
          segment.memory,
          segment.startOf(record),
          segment.endOf(record),
          segment.firstOf(record),
          segment.lastOf(record),
          undefined,
          undefined,
          segment.isAlert(record),
        ),
        segment.index.flags[record]!,
      );
    }
  }

  #addItem(item: Item, flags: number): void {
    if (this.#format === undefined) {
      this.#makeRoom(item.bytes);
      this.#bytes += item.memory.copy(this.#memory, this.#bytes, item.start, item.end);
    } else {
      this.#write(this.#format.encode(item, this.#context));
      this.#memory[this.#bytes++] = NEWLINE;
    }
    this.#ends.push(this.#bytes);
    this.#firsts.push(item.first);
    this.#lasts.push(item.last);
    this.#flags.push(flags);
  }

  /** Writes a line, and makes room for its newline. */
  #write(line: string | readonly Uint8Array[]): void {
    if (typeof line === 'string') {
      this.#makeRoom(Buffer.byteLength(line) + 1);
      this.#bytes += this.#memory.write(line, this.#bytes);
      return;
    }
    for (const piece of line) {
      this.#makeRoom(piece.length + 1);
      this.#memory.set(piece, this.#bytes);
      this.#bytes += piece.length;
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#memory.length - this.#bytes >= bytes) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#memory.length, this.#bytes + bytes));
    this.#memory.copy(larger, 0, 0, this.#bytes);
    this.#memory = larger;
  }

  finish(): PendingBatch {
    const index = {
      ends: Uint32Array.from(this.#ends),
      firsts: Float64Array.from(this.#firsts),
      lasts: Float64Array.from(this.#lasts),
      flags: Uint8Array.from(this.#flags),
    };
    return new PendingBatch(this.#memory, 0, index, this.#context.bootId);
  }
}
