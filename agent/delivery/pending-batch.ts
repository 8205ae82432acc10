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
  readonly #parts: readonly (number | undefined)[];
  readonly #gaps: ReadonlyMap<number, GapEvent> | undefined;
  #sent = 0;
  /** When it was last known to be worked on, on the clock of `performance.now`. */
  workedOnAt = performance.now();

  /**
   * @param parts what each record adds to the open seal, where it does
   * @param memory holds the lines, side by side, from `start` on
   * @param index of these records only; its ends are offsets in `memory`
   * @param gaps by record, where a format may have changed their lines. Left out: the lines are as they were received
   */
  constructor(
    memory: Buffer,
    start: number,
    index: RecordIndex,
    bootId: string | undefined,
    parts: readonly (number | undefined)[] = [],
    gaps?: ReadonlyMap<number, GapEvent>,
  ) {
    this.#memory = memory;
    this.#start = start;
    this.#index = index;
    this.#parts = parts;
    this.#gaps = gaps;
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

  stillWorking(): void {
    this.workedOnAt = performance.now();
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
    this.#sent = Math.min(this.#sent + records, this.#index.ends.length);
    return this.records > 0;
  }
}
