import type { GapEvent } from '../../shared/events/gap.ts';
import { Item, itemOf, NO_NUMBER } from '../events/item.ts';
import type { Mark } from '../events/mark.ts';
import type { SealEvent } from '../events/seal.ts';
import type { Format, FormatContext } from '../formats/format.ts';
import type { FactSelection } from './enriched-line.ts';
import type { Piece } from './log/reader.ts';
import { gapIn } from './log/loss.ts';
import { FLAG } from './log/memory-segment.ts';
import { PendingBatch } from './pending-batch.ts';
import type { Sealer } from './seal/sealer.ts';

const NEWLINE = 10;
const FIRST_BYTES = 4096;

/** Joins lines that are not adjacent or need another format. */
export class BatchBuilder {
  readonly #format: Format | undefined;
  readonly #bootId: string | undefined;
  readonly #sealer: Sealer | undefined;
  readonly #facts: FactSelection | undefined;
  #context: FormatContext;
  #memory = Buffer.allocUnsafe(FIRST_BYTES);
  #bytes = 0;
  readonly #ends: number[] = [];
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];
  readonly #flags: number[] = [];
  readonly #parts: (number | undefined)[] = [];
  readonly #gaps = new Map<number, GapEvent>();

  /**
   * @param bootId of all added lines: a batch belongs to one boot. Lines of no known boot are not sealed.
   * @param facts that go into the lines
   */
  constructor(
    format: Format | undefined,
    bootId: string | undefined,
    sealer: Sealer | undefined,
    facts?: FactSelection,
  ) {
    this.#format = format;
    this.#bootId = bootId;
    this.#facts = facts;
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
      return this.#addItem(item, FLAG.gap, item.gap, true);
    }
    const { segment, from, to } = piece;
    if (segment.isMark(from)) {
      const seal = this.#sealer?.sealAt(JSON.parse(segment.lineOf(from)) as Mark);
      if (seal !== undefined) this.addSeal(seal);
      return;
    }
    for (let record = from; record < to; record++) {
      const item = new Item(
        segment.memory,
        segment.startOf(record),
        segment.endOf(record),
        segment.firstOf(record),
        segment.lastOf(record),
        undefined,
        undefined,
        segment.isAlert(record),
      );
      this.#addItem(
        this.#facts === undefined ? item : this.#facts.addTo(item, segment.factsOf(record)),
        segment.index.flags[record]!,
        segment.isGap(record) ? gapIn(segment, record) : undefined,
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

  #addItem(item: Item, flags: number, gap: GapEvent | undefined, isMade: boolean): void {
    const start = this.#bytes;
    this.#writeItem(item);
    const { first, last } = item;
    const line = this.#memory.subarray(start, this.#bytes - 1);
    const part = this.#sealer?.add(line, { first, last, gapCount: gap?.count, isMade });
    if (gap !== undefined) this.#gaps.set(this.#ends.length, gap);
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
    return new PendingBatch(this.#memory, 0, index, this.#bootId, undefined, this.#parts, this.#gaps);
  }
}
