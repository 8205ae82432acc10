import { reasonOf } from '../errors.ts';
import { gapItem, isGap, seqOf, type Item } from '../item.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { ReaderGoneError, WriteError, type Output } from './output.ts';

/** What one write may hold: enough for few system calls, not so much that a batch doubles the memory. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** First and longest wait before a failed output is tried again, in milliseconds. */
const RETRY_MS = { first: 250, longest: 15_000 };

export interface LaneOptions {
  name: string;
  output: Output;
  maxQueueBytes: number;
  telemetry: Telemetry;
  /** Called once when the output's reader is gone for good. */
  onReaderGone: () => void;
  /** First and longest wait after a failure, in milliseconds. */
  retryMs?: { first: number; longest: number };
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
  #records: string[] = [];
  #sizes: number[] = [];
  /** Bytes queued, those being written included. */
  #bytes = 0;
  #overflow: Overflow | undefined;
  #open = false;
  #closing = false;
  #readerGone = false;
  #abandoned = false;
  #pump: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get queuedBytes(): number {
    return this.#bytes;
  }

  /** Records that are queued or being written. */
  get queuedRecords(): number {
    return this.#records.length;
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

  /** Queues a batch. Never waits, never throws; what does not fit is accounted for. */
  accept(items: readonly Item[]): void {
    if (this.#closing || this.#readerGone) return;
    for (const item of items) this.#enqueue(item);
    if (this.#pump === undefined) this.#run();
  }

  #enqueue(item: Item): void {
    const { maxQueueBytes, output } = this.#options;
    if (this.#overflow !== undefined) {
      // Half empty before it accepts again: else every other event would be a gap.
      if (this.#bytes > maxQueueBytes / 2) return this.#drop(item);
      this.#endOverflow();
    }
    // A single event larger than the bound passes an empty queue; it would never fit otherwise.
    if (this.#bytes > 0 && this.#bytes + item.bytes > maxQueueBytes) return this.#drop(item);
    const record = output.encode(item);
    this.#push(record, record === item.line ? item.bytes : Buffer.byteLength(record));
  }

  #push(record: string, bytes: number): void {
    this.#records.push(record);
    this.#sizes.push(bytes + 1);
    this.#bytes += bytes + 1;
  }

  #drop({ event }: Item): void {
    const overflow = (this.#overflow ??= { first: Number.MAX_SAFE_INTEGER, last: -1, count: 0, unnumbered: 0 });
    const seq = seqOf(event);
    if (isGap(event)) widen(overflow, event.first, event.last, event.count);
    else if (seq !== undefined) widen(overflow, seq, seq, 1);
    else overflow.unnumbered++;
  }

  #endOverflow(): void {
    const overflow = this.#overflow;
    if (overflow === undefined) return;
    this.#overflow = undefined;
    const { name, output, telemetry, now = () => new Date() } = this.#options;
    telemetry.raiseRepeating('EventsDropped', name, { output: name, ...(overflow.count > 0 ? overflow : { unnumbered: overflow.unnumbered }) });
    if (overflow.count === 0) return;
    const item = gapItem('output', overflow.first, overflow.last, overflow.count, 'queue_full', now());
    const record = output.encode(item);
    this.#push(record, Buffer.byteLength(record));
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
    while (!this.#readerGone && !this.#abandoned && (!this.#open || this.#records.length > 0)) {
      try {
        if (!this.#open) {
          await output.open();
          this.#open = true;
        }
        if (this.#records.length > 0) await this.#writeBatch();
        if (failures > 0) telemetry.raise('OutputRecovered', { output: name });
        failures = 0;
      } catch (error) {
        if (error instanceof ReaderGoneError) {
          this.#readerGone = true;
          return onReaderGone();
        }
        if (error instanceof WriteError) this.#forget(error.taken);
        telemetry.raiseRepeating('OutputFailed', `${name} ${reasonOf(error)}`, { output: name, reason: reasonOf(error) });
        this.#open = false;
        await output.close().catch(() => undefined);
        await this.#pause(failures++);
      }
      if (this.#records.length === 0) this.#endOverflow();
    }
  }

  async #writeBatch(): Promise<void> {
    let count = 0;
    let bytes = 0;
    while (count < this.#records.length && (count === 0 || bytes + this.#sizes[count]! <= MAX_BATCH_BYTES)) {
      bytes += this.#sizes[count]!;
      count++;
    }
    const batch = count === this.#records.length ? this.#records.slice() : this.#records.slice(0, count);
    await this.#options.output.write(batch);
    this.#forget(count);
  }

  #forget(count: number): void {
    if (count === 0) return;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += this.#sizes[i]!;
    this.#bytes -= bytes;
    if (count === this.#records.length) {
      this.#records = [];
      this.#sizes = [];
    } else {
      this.#records.splice(0, count);
      this.#sizes.splice(0, count);
    }
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
    if (this.#open || this.#records.length > 0) this.#run();
    const finished = this.#finish();
    await Promise.race([finished, deadline]);
    const unwritten = this.#readerGone ? 0 : this.#records.length;
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
