import { reasonOf } from '../errors.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { ReaderGoneError, WriteError, type Output } from '../outputs/output.ts';
import type { Batch, RecordQueue } from './log/memory-segment.ts';

/** First and longest wait before a failed output is tried again, in milliseconds. */
const RETRY_MS = { first: 250, longest: 15_000 };

export interface LaneWriterOptions {
  name: string;
  output: Output;
  /** What is to be written; the writer alone takes from it. */
  queue: RecordQueue;
  telemetry: Telemetry;
  /** First and longest wait after a failure, in milliseconds. */
  retryMs?: { first: number; longest: number };
  /** Called when all that was queued is written. */
  onEmpty: () => void;
  /** Called once when the output's reader is gone for good. */
  onReaderGone: () => void;
}

/** A number, and the boot that it is of. */
interface Reached {
  readonly bootId: string;
  readonly through: number;
}

/** Writes a queue to its output, in batches, one after the other; opens the output again, after a wait, when it fails. */
export class LaneWriter {
  readonly #options: LaneWriterOptions;
  /** The boot that the output was told of since it was opened. */
  #begunBootId: string | undefined;
  /** What the output is to be told once the queue is empty. */
  #reached: (() => Reached) | undefined;
  #open = false;
  #readerGone = false;
  #abandoned = false;
  #pump: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** Settled when the write in progress ends. */
  #writing: Promise<void> | undefined;

  constructor(options: LaneWriterOptions) {
    this.#options = options;
  }

  get readerGone(): boolean {
    return this.#readerGone;
  }

  /** The write in progress; undefined while none is, or the output fails. */
  get writing(): Promise<void> | undefined {
    return this.#writing;
  }

  /** Opens the output. @throws what the output throws; the writer is then unused and may be dropped */
  async open(): Promise<void> {
    await this.#options.output.open();
    this.#open = true;
    this.run();
  }

  /** Sees to it that what is queued is written, the output opened first if need be. */
  run(): void {
    if (this.#pump !== undefined) return;
    this.#pump = this.#drain().finally(() => {
      this.#pump = undefined;
    });
  }

  /** Has the output told, once the queue is empty, that it has everything up to what `reached` then gives. */
  tellReached(reached: () => Reached): void {
    this.#reached = reached;
    this.run();
  }

  /** Writes until nothing is left; the only place that touches the output between open and close. */
  async #drain(): Promise<void> {
    const { output, name, queue, telemetry, onEmpty, onReaderGone } = this.#options;
    let failures = 0;
    let batch: Batch | undefined;
    while (!this.#readerGone && !this.#abandoned && (!this.#open || queue.records > 0 || this.#reached !== undefined)) {
      try {
        if (!this.#open) {
          await output.open();
          this.#open = true;
        }
        batch = queue.head();
        if (batch !== undefined) await this.#write(batch);
        else if (this.#reached !== undefined) await this.#sayReached(this.#reached);
        if (failures > 0) telemetry.raise('OutputRecovered', { output: name });
        failures = 0;
      } catch (error) {
        if (error instanceof ReaderGoneError) {
          this.#readerGone = true;
          return onReaderGone();
        }
        if (error instanceof WriteError && batch !== undefined) queue.dropPart(batch, error.taken);
        telemetry.raiseRepeating('OutputFailed', `${name} ${reasonOf(error)}`, {
          output: name,
          reason: reasonOf(error),
        });
        this.#open = false;
        this.#begunBootId = undefined;
        await output.close().catch(() => undefined);
        await this.#pause(failures++);
      }
      if (queue.records === 0) onEmpty();
    }
  }

  async #sayReached(reached: () => Reached): Promise<void> {
    this.#reached = undefined;
    const { bootId, through } = reached();
    await this.#options.output.reached?.(bootId, through);
  }

  async #write(batch: Batch): Promise<void> {
    const { output, queue } = this.#options;
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
    queue.drop(batch);
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
   * Writes what is queued, flushes and closes. A failing output is retried until
   * `deadline` resolves. Never rejects. Nothing may be queued any more.
   * @returns records that were not written
   */
  async close(deadline: Promise<void>): Promise<number> {
    const { queue } = this.#options;
    this.#wake?.();
    if (this.#open || queue.records > 0) this.run();
    const finished = this.#finish();
    await Promise.race([finished, deadline]);
    const unwritten = this.#readerGone ? 0 : queue.records;
    this.#abandoned = true;
    this.#wake?.();
    return unwritten;
  }

  async #finish(): Promise<void> {
    await this.#pump;
    const { name, output, telemetry } = this.#options;
    try {
      if (this.#open) await output.flush();
    } catch (error) {
      telemetry.raise('OutputFailed', { output: name, reason: reasonOf(error) });
    }
    await output.close().catch(() => undefined);
  }
}
