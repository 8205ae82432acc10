import { gapItem, itemAfter, NO_NUMBER, type Item } from '../../events/item.ts';
import type { Numbering } from '../../events/position.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { LaneWriter } from '../delivery.ts';
import type { Output } from '../../outputs/output.ts';
import { RecordQueue } from './memory-segment.ts';

/** How long events may pass that leave no trace in the output before it is told how far they went, in milliseconds. */
const REACHED_AFTER_MS = 1000;

export interface LaneOptions {
  name: string;
  output: Output;
  maxQueueBytes: number;
  /** Whether the output gets alerts, and gaps, only. */
  alertsOnly?: boolean;
  telemetry: Telemetry;
  /** Called once when the output's reader is gone for good. */
  onReaderGone: () => void;
  /** First and longest wait after a failure, in milliseconds. */
  retryMs?: { first: number; longest: number };
  /** How long after events that leave no trace the output is told of them. */
  reachedAfterMs?: number;
  now?: () => Date;
}

/** Events that did not fit, in the order of their numbers. */
interface Overflow {
  first: number;
  last: number;
  count: number;
  /** Events without a number: no gap can name them, only the log. */
  unnumbered: number;
}

/**
 * One output's own queue, so that an output that is slow, failing or dead costs
 * the others nothing. What does not fit is dropped, counted, and named in a gap event that takes
 * its place in the queue when there is room again.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #queue = new RecordQueue();
  readonly #writer: LaneWriter;
  /** The boot whose numbers come in. */
  #bootId: string | undefined;
  /** Numbers up to this are in the output already; undefined once the stream has passed it. */
  #stored: number | undefined;
  #overflow: Overflow | undefined;
  /** The newest number that came in, for this output or not. */
  #through = NO_NUMBER;
  /** The newest number that was queued. */
  #queued = NO_NUMBER;
  #reachedTimer: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { name, output, telemetry, retryMs, onReaderGone } = options;
    this.#writer = new LaneWriter({
      name,
      output,
      telemetry,
      onReaderGone,
      queue: this.#queue,
      onEmpty: () => this.#endOverflow(),
      ...(retryMs === undefined ? {} : { retryMs }),
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Records that are queued or being written. */
  get queuedRecords(): number {
    return this.#queue.records;
  }

  /** The write to wait for before more comes: there is one when much is queued and the output is at work. A failing one is not. */
  get congestion(): Promise<void> | undefined {
    return this.#queue.bytes > this.#options.maxQueueBytes / 4 ? this.#writer.writing : undefined;
  }

  /** Opens the output. @throws what the output throws; the lane is then unused and may be dropped */
  open(): Promise<void> {
    return this.#writer.open();
  }

  /** Opens it whenever that works: for an output that may not fail the agent any more. */
  openEventually(): void {
    this.#writer.run();
  }

  /**
   * What is accepted from now on has these numbers.
   * @returns the number up to which the output has everything; undefined when it does not know
   */
  begin(numbering: Numbering): number | undefined {
    const { bootId, lastSeq } = numbering;
    if (bootId !== this.#bootId) {
      this.#bootId = bootId;
      this.#through = NO_NUMBER;
      this.#queued = NO_NUMBER;
      this.#queue.begin(bootId);
      this.#stored = this.#believed(numbering);
    } else if (this.#stored !== undefined && this.#stored > lastSeq) {
      // The helper has begun its numbers again before we had come so far.
      this.#stored = undefined;
    }
    return this.#stored;
  }

  /** The output's position, if it is of this boot and can be. A position that is too high would hide what is new. */
  #believed({ bootId, lastSeq }: Numbering): number | undefined {
    const { name, output, telemetry } = this.#options;
    const { position } = output;
    if (position === undefined || position.bootId !== bootId) return undefined;
    if (position.last > lastSeq) {
      const reason = `the output holds the number ${position.last}, and the helper has given none above ${lastSeq}`;
      telemetry.raise('PositionUnknown', { output: name, reason });
      return undefined;
    }
    telemetry.raise('OutputResumed', { output: name, after: position.last });
    return position.last;
  }

  /**
   * Queues a batch. Never waits, never throws; what does not fit is accounted for. Keeps no item.
   * @param through the number that the batch went up to: what is left out of `items` below it is not missing
   */
  accept(items: readonly Item[], through: number = NO_NUMBER): void {
    if (this.#closing || this.#writer.readerGone) return;
    const { alertsOnly = false } = this.#options;
    for (const item of this.#stored === undefined ? items : this.#notStored(items, this.#stored)) {
      if (!alertsOnly || item.isAlert || item.gap !== undefined) this.#enqueue(item);
    }
    this.#queue.settle();
    if (through !== NO_NUMBER) this.#reach(through);
    // With nothing to write it would end, unnoticed by what comes in the same turn.
    if (this.#queue.records > 0) this.#writer.run();
  }

  #reach(through: number): void {
    this.#through = through;
    if (this.#stored !== undefined && through > this.#stored) this.#stored = undefined;
    if (through <= this.#queued || this.#options.output.reached === undefined || this.#reachedTimer !== undefined)
      return;
    this.#reachedTimer = setTimeout(
      () => this.#tellReached(),
      this.#options.reachedAfterMs ?? REACHED_AFTER_MS,
    ).unref();
  }

  #tellReached(): void {
    clearTimeout(this.#reachedTimer);
    this.#reachedTimer = undefined;
    // Nothing of it was queued, and what had been is written first: the output has all that is meant for it.
    if (this.#bootId === undefined || this.#stored !== undefined || this.#through <= this.#queued) return;
    this.#writer.tellReached(() => ({ bootId: this.#bootId!, through: this.#through }));
  }

  #notStored(items: readonly Item[], stored: number): Item[] {
    const fresh: Item[] = [];
    for (const item of items) {
      const rest = itemAfter(item, stored);
      if (rest !== undefined) fresh.push(rest);
      if (item.last > stored) this.#stored = undefined;
    }
    return fresh;
  }

  #enqueue(item: Item): void {
    const { maxQueueBytes, output } = this.#options;
    const queue = this.#queue;
    if (this.#overflow !== undefined) {
      // Half empty before it accepts again: else every other event would be a gap.
      if (queue.bytes > maxQueueBytes / 2) return this.#drop(item);
      this.#endOverflow();
    }
    // A single event larger than the bound passes an empty queue; it would never fit otherwise.
    if (queue.bytes > 0 && queue.bytes + item.bytes > maxQueueBytes) return this.#drop(item);
    this.#push(item, output);
  }

  #push(item: Item, output: Output): void {
    if (item.last > this.#queued) this.#queued = item.last;
    if (output.encode === undefined) this.#queue.add(item);
    else this.#queue.addText(output.encode(item), item.first);
  }

  #drop({ first, last, gap }: Item): void {
    const overflow = (this.#overflow ??= { first: Number.MAX_SAFE_INTEGER, last: -1, count: 0, unnumbered: 0 });
    if (last === NO_NUMBER) overflow.unnumbered++;
    else widen(overflow, first, last, gap?.count ?? 1);
  }

  #endOverflow(): void {
    const overflow = this.#overflow;
    if (overflow === undefined) return;
    this.#overflow = undefined;
    const { name, output, telemetry, now = () => new Date() } = this.#options;
    telemetry.raiseRepeating('EventsDropped', name, {
      output: name,
      ...(overflow.count > 0 ? overflow : { unnumbered: overflow.unnumbered }),
    });
    if (overflow.count === 0) return;
    this.#push(gapItem('output', overflow.first, overflow.last, overflow.count, 'queue_full', now()), output);
  }

  /** Takes nothing more; otherwise as `LaneWriter.close`. */
  async close(deadline: Promise<void>): Promise<number> {
    this.#closing = true;
    this.#endOverflow();
    if (this.#reachedTimer !== undefined) this.#tellReached();
    return this.#writer.close(deadline);
  }
}

function widen(overflow: Overflow, first: number, last: number, count: number): void {
  overflow.first = Math.min(overflow.first, first);
  overflow.last = Math.max(overflow.last, last);
  overflow.count += count;
}
