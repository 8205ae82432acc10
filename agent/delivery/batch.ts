import type { GapEvent } from '../../shared/events/gap.ts';
import { Item, itemOf, NO_NUMBER } from '../events/item.ts';
import type { Mark } from '../events/mark.ts';
import type { SealEvent } from '../events/seal.ts';
import type { Format, FormatContext } from '../formats/format.ts';
import type { Batch, BatchLimits } from '../outputs/output.ts';
import type { Piece, Run } from './log/cursor.ts';
import { FLAG, type RecordIndex } from './log/memory-segment.ts';
import type { LogReader } from './log/reader.ts';
import { gapIn, Overtaken, type Loss } from './log/loss.ts';
import type { Sealer } from './seal/sealer.ts';

const NEWLINE = 10;
const FIRST_BYTES = 4096;

/** A batch that is being sent. Its first records may have arrived already. */
export class PendingBatch implements Batch {
  readonly bootId: string | undefined;
  readonly #memory: Buffer;
  readonly #start: number;
  readonly #index: RecordIndex;
  readonly #parts: readonly (number | undefined)[];
  #sent = 0;

  /**
   * @param parts what each record adds to the open seal, where it does
   * @param memory holds the lines, side by side, from `start` on
   * @param index of these records only; its ends are offsets in `memory`
   */
  constructor(
    memory: Buffer,
    start: number,
    index: RecordIndex,
    bootId: string | undefined,
    parts: readonly (number | undefined)[] = [],
  ) {
    this.#memory = memory;
    this.#start = start;
    this.#index = index;
    this.#parts = parts;
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

  /** Whether record `i` is a seal. */
  isSeal(i: number): boolean {
    return this.#index.flags[this.#sent + i] === FLAG.mark;
  }

  /** How many of the first `records` are seals. */
  sealsIn(records: number): number {
    return this.#index.flags.subarray(this.#sent, this.#sent + records).includes(FLAG.mark) ? 1 : 0;
  }

  /** What record `i` adds to the sum of its seal; undefined when it was not counted. */
  partOf(i: number): number | undefined {
    return this.#parts[this.#sent + i];
  }

  /** The gap for the records that have not arrived; undefined where none of them has a number. */
  lossOfRest(): Loss | undefined {
    const loss = new Overtaken(this.bootId);
    for (let i = 0; i < this.records; i++) {
      const { first, last } = this.numbersOf(i);
      const line = this.isGap(i)
        ? this.lines.toString('utf8', i === 0 ? 0 : this.endOf(i - 1), this.endOf(i))
        : undefined;
      loss.add(first, last, line === undefined ? undefined : (JSON.parse(line) as GapEvent));
    }
    return loss.count === 0 ? undefined : loss.loss;
  }

  /** Marks the first `records` as arrived. @returns whether any are left */
  advance(records: number): boolean {
    this.#sent = Math.min(this.#sent + records, this.#index.ends.length);
    return this.records > 0;
  }
}

/**
 * Takes the next batch from the log: records of one boot, as many as the limits allow. Adjacent lines that no format
 * changes are not copied. A seal is the first line of a batch, so that everything before it has been settled.
 * @returns undefined when the log has no more records
 */
export function takeBatch(
  cursor: LogReader,
  format: Format | undefined,
  limits: BatchLimits,
  sealer?: Sealer,
): PendingBatch | undefined {
  const last = sealer?.sealBefore(cursor.nextBootId());
  if (sealer !== undefined && last !== undefined)
    return new Builder(format, sealer.state?.boot_id, sealer).addSeal(last).finish();
  const first = cursor.take(limits);
  if (first === undefined) return undefined;
  if (format === undefined && sealer === undefined && 'segment' in first && !cursor.alertsOnly) return slice(first);
  const builder = new Builder(format, first.bootId, sealer);
  for (let piece: Piece | undefined = first; piece !== undefined;) {
    builder.add(piece);
    const room = { bytes: limits.bytes - builder.bytes, records: limits.records - builder.records };
    piece = room.bytes > 0 && room.records > 0 ? cursor.take(room, first) : undefined;
  }
  if (builder.records > 0) return builder.finish();
  // A mark that the stream is ahead of.
  cursor.commit(sealer?.state);
  return takeBatch(cursor, format, limits, sealer);
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
  readonly #bootId: string | undefined;
  readonly #sealer: Sealer | undefined;
  #context: FormatContext;
  #memory = Buffer.allocUnsafe(FIRST_BYTES);
  #bytes = 0;
  readonly #ends: number[] = [];
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];
  readonly #flags: number[] = [];
  readonly #parts: (number | undefined)[] = [];

  /** @param bootId of all added lines: a batch belongs to one boot. Lines of no known boot are not sealed. */
  constructor(format: Format | undefined, bootId: string | undefined, sealer: Sealer | undefined) {
    this.#format = format;
    this.#bootId = bootId;
    this.#sealer = bootId === undefined ? undefined : sealer;
    this.#context = this.#contextNow();
  }

  #contextNow(): FormatContext {
    const bootId = this.#bootId;
    return bootId === undefined ? { bootId } : { bootId, seal: this.#sealer?.numberFor(bootId) };
  }

  get bytes(): number {
    return this.#bytes;
  }

  get records(): number {
    return this.#ends.length;
  }

  add(piece: Piece): void {
    // A cursor only makes lines for gaps.
    if ('item' in piece) {
      const item = this.#sealer?.clipped(piece.item) ?? piece.item;
      return this.#addItem(item, FLAG.gap, item.gap?.count, true);
    }
    const { segment, from, to } = piece;
    if (segment.isMark(from)) {
      const seal = this.#sealer?.sealAt(JSON.parse(segment.lineOf(from)) as Mark);
      if (seal !== undefined) this.addSeal(seal);
      return;
    }
    for (let record = from; record < to; record++) {
      const isGap = segment.isGap(record);
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
        isGap && this.#sealer !== undefined ? gapIn(segment, record).count : undefined,
        false,
      );
    }
  }

  addSeal(seal: SealEvent): this {
    const start = this.#bytes;
    this.#writeItem(itemOf(seal));
    this.#enter(NO_NUMBER, NO_NUMBER, FLAG.mark, undefined);
    this.#sealer!.sealed(seal, this.#memory.subarray(start, this.#bytes - 1));
    this.#context = this.#contextNow();
    return this;
  }

  #addItem(item: Item, flags: number, gapCount: number | undefined, isMade: boolean): void {
    const start = this.#bytes;
    this.#writeItem(item);
    const { first, last } = item;
    const part = this.#sealer?.add(this.#memory.subarray(start, this.#bytes - 1), { first, last, gapCount, isMade });
    this.#enter(first, last, flags, part);
  }

  #writeItem(item: Item): void {
    if (this.#format === undefined) {
      this.#makeRoom(item.bytes);
      this.#bytes += item.memory.copy(this.#memory, this.#bytes, item.start, item.end);
    } else {
      this.#write(this.#format.encode(item, this.#context));
      this.#memory[this.#bytes++] = NEWLINE;
    }
  }

  /** The line that was written is complete. */
  #enter(first: number, last: number, flags: number, part: number | undefined): void {
    this.#ends.push(this.#bytes);
    this.#firsts.push(first);
    this.#lasts.push(last);
    this.#flags.push(flags);
    this.#parts.push(part);
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
    return new PendingBatch(this.#memory, 0, index, this.#bootId, this.#parts);
  }
}
