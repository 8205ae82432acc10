import { reasonOf } from '../errors.ts';
import { gapItem, itemAfter, NO_NUMBER, type Item } from '../item.ts';
import type { Numbering } from '../numbering.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { ReaderGoneError, WriteError, type Output } from './output.ts';
import { RecordQueue, type Batch } from './record-queue.ts';

/** First and longest wait before a failed output is tried again, in milliseconds. */
const RETRY_MS = { first: 250, longest: 15_000 };

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
  /** The boot whose numbers come in. */
  #bootId: string | undefined;
  /** Numbers up to this are in the output already; undefined once the stream has passed it. */
  #stored: number | undefined;
  /** The boot that the output was told of since it was opened. */
  #begunBootId: string | undefined;
  #overflow: Overflow | undefined;
  /** The newest number that came in, for this output or not. */
  #through = NO_NUMBER;
  /** The newest number that was queued. */
  #queued = NO_NUMBER;
  #reachedTimer: NodeJS.Timeout | undefined;
  #reachedDue = false;
  #open = false;
  #closing = false;
  #readerGone = false;
  #abandoned = false;
  #pump: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** Settled when the write in progress ends. */
  #writing: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
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
    return this.#queue.bytes > this.#options.maxQueueBytes / 4 ? this.#writing : undefined;
  }

  /** Opens the output. @throws what the output throws; the lane is then unused and may be dropped */
  async open(): Promise<void> {
    await this.#options.output.open();
    this.#open = true;
    this.#run();
  }

  /** Opens it whenever that works: for an output that may not fail the agent any more. */
  openEventually(): void {
    this.#run();
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
    if (this.#closing || this.#readerGone) return;
    const { alertsOnly = false } = this.#options;
    for (const item of this.#stored === undefined ? items : this.#notStored(items, this.#stored)) {
      if (!alertsOnly || item.isAlert || item.gap !== undefined) this.#enqueue(item);
    }
    this.#queue.settle();
    if (through !== NO_NUMBER) this.#reach(through);
    // With nothing to write it would end, unnoticed by what comes in the same turn.
    if (this.#queue.records > 0) this.#run();
  }

  #reach(through: number): void {
    this.#through = through;
    if (this.#stored !== undefined && through > this.#stored) this.#stored = undefined;
    if (through <= this.#queued || this.#options.output.reached === undefined || this.#reachedTimer !== undefined) return;
    this.#reachedTimer = setTimeout(() => this.#tellReached(), this.#options.reachedAfterMs ?? REACHED_AFTER_MS).unref();
  }

  #tellReached(): void {
    clearTimeout(this.#reachedTimer);
    this.#reachedTimer = undefined;
    this.#reachedDue = this.#bootId !== undefined && this.#stored === undefined && this.#through > this.#queued;
    if (this.#reachedDue) this.#run();
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
    telemetry.raiseRepeating('EventsDropped', name, { output: name, ...(overflow.count > 0 ? overflow : { unnumbered: overflow.unnumbered }) });
    if (overflow.count === 0) return;
    this.#push(gapItem('output', overflow.first, overflow.last, overflow.count, 'queue_full', now()), output);
  }

  #run(): void {
    if (this.#pump !== undefined) return;
    this.#pump = this.#drain().finally(() => {
      this.#pump = undefined;
    });
  }

  /** Writes until nothing is left; the only place that touches the output between open and close. */
  async #drain(): Promise<void> {
    const { output, name, telemetry, onReaderGone } = this.#options;
    let failures = 0;
    let batch: Batch | undefined;
    while (!this.#readerGone && !this.#abandoned && (!this.#open || this.#queue.records > 0 || this.#reachedDue)) {
      try {
        if (!this.#open) {
          await output.open();
          this.#open = true;
        }
        batch = this.#queue.head();
        if (batch !== undefined) await this.#write(batch);
        else if (this.#reachedDue) await this.#sayReached();
        if (failures > 0) telemetry.raise('OutputRecovered', { output: name });
        failures = 0;
      } catch (error) {
        if (error instanceof ReaderGoneError) {
          this.#readerGone = true;
          return onReaderGone();
        }
        if (error instanceof WriteError && batch !== undefined) this.#queue.dropPart(batch, error.taken);
        telemetry.raiseRepeating('OutputFailed', `${name} ${reasonOf(error)}`, { output: name, reason: reasonOf(error) });
        this.#open = false;
        this.#begunBootId = undefined;
        await output.close().catch(() => undefined);
        await this.#pause(failures++);
      }
      if (this.#queue.records === 0) this.#endOverflow();
    }
  }

  /** With an empty queue, which no overflow outlives, all that came in up to `#through` is written or is not for this output. */
  async #sayReached(): Promise<void> {
    this.#reachedDue = false;
    const { output } = this.#options;
    await output.reached?.(this.#bootId!, this.#through);
  }

  async #write(batch: Batch): Promise<void> {
    const { output } = this.#options;
    if (batch.bootId !== undefined && batch.bootId !== this.#begunBootId) {
      await output.begin?.(batch.bootId, batch.first);
      this.#begunBootId = batch.bootId;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#writing = promise;
    try {
      await output.write(batch.lines);
    } finally {
      this.#writing = undefined;
      resolve();
    }
    this.#queue.drop(batch);
  }

  async #pause(failures: number): Promise<void> {
    const { first, longest } = this.#options.retryMs ?? RETRY_MS;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(longest, first * 2 ** Math.min(failures, 20)));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /**
   * Takes nothing more, writes what is queued, flushes and closes. A failing
   * output is retried until `deadline` resolves. Never rejects.
   * @returns records that were not written
   */
  async close(deadline: Promise<void>): Promise<number> {
    this.#closing = true;
    this.#endOverflow();
    this.#wake?.();
    if (this.#reachedTimer !== undefined) this.#tellReached();
    if (this.#open || this.#queue.records > 0) this.#run();
    const finished = this.#finish();
    await Promise.race([finished, deadline]);
    const unwritten = this.#readerGone ? 0 : this.#queue.records;
    this.#abandoned = true;
    this.#wake?.();
    return unwritten;
  }

  async #finish(): Promise<void> {
    await this.#pump;
    const { output } = this.#options;
    try {
      if (this.#open) await output.flush();
    } catch (error) {
      this.#options.telemetry.raise('OutputFailed', { output: this.name, reason: reasonOf(error) });
    }
    await output.close().catch(() => undefined);
  }
}

function widen(overflow: Overflow, first: number, last: number, count: number): void {
  overflow.first = Math.min(overflow.first, first);
  overflow.last = Math.max(overflow.last, last);
  overflow.count += count;
}
