import type { GapEvent } from '../../shared/events/gap.ts';
import { NO_NUMBER } from '../events/item.ts';
import type { Batch } from '../outputs/output.ts';
import { Overtaken, type Loss } from './log/loss.ts';
import { FLAG, type RecordIndex } from './log/memory-segment.ts';

/** A batch that is being sent. Its first records may have arrived already. */
export class PendingBatch implements Batch {
  readonly bootId: string | undefined;
  readonly #memory: Buffer;
  readonly #start: number;
  readonly #index: RecordIndex;
  /** The first of its records in the index, and the one behind its last. */
  readonly #first: number;
  readonly #end: number;
  readonly #parts: readonly (number | undefined)[];
  readonly #gaps: ReadonlyMap<number, GapEvent> | undefined;
  #sent = 0;
  /** When it was last known to be worked on, on the clock of `performance.now`. */
  workedOnAt = performance.now();

  /**
   * @param memory holds the lines, side by side, from `start` on
   * @param index may be of more records, and is not copied; its ends are offsets in `memory`
   * @param records which of them: from `from` up to, not including, `to`; all of them when left out
   * @param parts what each record adds to the open seal, where it does
   * @param gaps by record, where a format may have changed their lines. Left out: the lines are as they were received
   */
  constructor(
    memory: Buffer,
    start: number,
    index: RecordIndex,
    bootId: string | undefined,
    { from, to } = { from: 0, to: index.ends.length },
    parts: readonly (number | undefined)[] = [],
    gaps?: ReadonlyMap<number, GapEvent>,
  ) {
    this.#memory = memory;
    this.#start = start;
    this.#index = index;
    this.#first = from;
    this.#end = to;
    this.#parts = parts;
    this.#gaps = gaps;
    this.bootId = bootId;
  }

  /** Records that have arrived. */
  get sent(): number {
    return this.#sent;
  }

  get records(): number {
    return this.#end - this.#next;
  }

  get lines(): Buffer {
    return this.#memory.subarray(this.#from, this.#index.ends[this.#end - 1]);
  }

  get first(): number {
    const { firsts } = this.#index;
    for (let at = this.#next; at < this.#end; at++) if (firsts[at] !== NO_NUMBER) return firsts[at]!;
    return NO_NUMBER;
  }

  get last(): number {
    const { lasts } = this.#index;
    for (let at = this.#end - 1; at >= this.#next; at--) if (lasts[at] !== NO_NUMBER) return lasts[at]!;
    return NO_NUMBER;
  }

  /** The place in the index of the first record that has not arrived. */
  get #next(): number {
    return this.#first + this.#sent;
  }

  get #from(): number {
    return this.#sent === 0 ? this.#start : this.#index.ends[this.#next - 1]!;
  }

  endOf(i: number): number {
    return this.#index.ends[this.#next + i]! - this.#from;
  }

  numbersOf(i: number): { first: number; last: number } {
    return { first: this.#index.firsts[this.#next + i]!, last: this.#index.lasts[this.#next + i]! };
  }

  isGap(i: number): boolean {
    return (this.#index.flags[this.#next + i]! & FLAG.gap) !== 0;
  }

  stillWorking(): void {
    this.workedOnAt = performance.now();
  }

  /** Whether record `i` is a seal. */
  isSeal(i: number): boolean {
    return this.#index.flags[this.#next + i] === FLAG.mark;
  }

  /** How many of the first `records` are seals. */
  sealsIn(records: number): number {
    for (let i = 0; i < records; i++) if (this.isSeal(i)) return 1;
    return 0;
  }

  /** The share of record `i` in the sum of its seal; undefined when it was not counted. */
  partOf(i: number): number | undefined {
    return this.#parts[this.#sent + i];
  }

  /** The gap for the records that have not arrived; undefined where none of them has a number. */
  lossOfRest(): Loss | undefined {
    const loss = new Overtaken(this.bootId);
    for (let i = 0; i < this.records; i++) {
      const { first, last } = this.numbersOf(i);
      loss.add(first, last, this.isGap(i) ? this.#gapAt(i) : undefined);
    }
    return loss.count === 0 ? undefined : loss.loss;
  }

  #gapAt(i: number): GapEvent | undefined {
    if (this.#gaps !== undefined) return this.#gaps.get(this.#sent + i);
    return JSON.parse(this.lines.toString('utf8', i === 0 ? 0 : this.endOf(i - 1), this.endOf(i))) as GapEvent;
  }

  /** Marks the first `records` as arrived. @returns whether any are left */
  advance(records: number): boolean {
    this.#sent = Math.min(this.#sent + records, this.#end - this.#first);
    return this.records > 0;
  }
}
