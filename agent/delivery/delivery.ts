import type { Pace } from '../backoff.ts';
import { reasonOf } from '../errors.ts';
import type { FactName } from '../events/facts.ts';
import { gapItem, itemAfter, NO_NUMBER } from '../events/item.ts';
import { ReaderGoneError, type BatchLimits, type Outcome, type Output } from '../outputs/output.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Ages } from './ages.ts';
import { takeBatch } from './batch.ts';
import { BookmarkWriter } from './bookmark-writer.ts';
import { Condition, type LastError } from './condition.ts';
import { FactSelection } from './enriched-line.ts';
import type { Loss } from './log/loss.ts';
import { SEGMENT_BYTES, SEGMENT_RECORDS } from './log/memory-segment.ts';
import { OutputCounters } from './output-counters.ts';
import type { CursorOptions, LogReader, Made } from './log/reader.ts';
import type { PendingBatch } from './pending-batch.ts';
import { refuse } from './refuse.ts';
import { Retry } from './retry.ts';
import { Sealer } from './seal/sealer.ts';

type Refusal = Extract<Outcome, { kind: 'refused' }>;

const ONE_SEGMENT: BatchLimits = { bytes: SEGMENT_BYTES, records: SEGMENT_RECORDS, ageMs: 0 };

/** The source of an output's records: the log or the spool. */
export interface DeliverySource {
  open(options: CursorOptions): LogReader;
}

export interface DeliveryOptions {
  name: string;
  output: Output;
  /** How far the output may lag, in bytes. */
  maxLagBytes: number;
  /** Whether the output gets only alerts and gaps. */
  alertsOnly?: boolean;
  /** Whether seals go into its stream. */
  seals?: boolean;
  /** Facts that go into its lines. */
  enrich?: readonly FactName[];
  telemetry: Telemetry;
  /** Called once, when the output's reader has gone for good. */
  onReaderGone: () => void;
  pace?: Pace;
  passedAfterMs?: number;
  /** Outlives the delivery, so that a successor of the same name counts on. */
  counters?: OutputCounters;
  now?: () => Date;
}

/** How an output is, for metrics. */
export interface DeliveryStatus {
  /** Milliseconds since it was open and its last attempt worked; 0 while that is so. */
  readonly downMs: number;
  readonly lagRecords: number;
  readonly lagBytes: number;
  /** Milliseconds since the oldest record that it does not have came in; 0 when there is none. */
  readonly oldestMs: number;
  /** The newest failure, also when it works again; absent when there was none. */
  readonly lastError?: LastError;
  /** The seal that is open, and the highest number under it or a seal before; absent where the output makes none yet. */
  readonly seal?: { readonly number: number; readonly through: number };
  /** Milliseconds that its current step has taken, when that is so long that it hangs; else 0. A receiver that is away is no reason. */
  readonly stuckMs: number;
}

/**
 * Delivers the log to one output: reads at its cursor, builds a batch, sends it until the output takes or refuses it,
 * and then moves the cursor and the output's bookmark. One batch at a time; nothing else uses the output between open
 * and close. A slow, failing or dead output does not affect the others.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #limits: BatchLimits;
  readonly #facts: FactSelection | undefined;
  readonly #retry: Retry;
  readonly #counters: OutputCounters;
  readonly #ages = new Ages();
  readonly #condition: Condition;
  readonly #bookmark: BookmarkWriter;
  #cursor: LogReader | undefined;
  #started = false;
  #isOpen = false;
  #sealer: Sealer | undefined;
  /** Gaps that an output before this one left behind, until the position is known. */
  #inherited: Made[] = [];
  #batch: PendingBatch | undefined;
  #sending: Promise<unknown> | undefined;
  #loop: Promise<void> | undefined;
  #runAgain = false;
  #readerGone = false;
  #abandoned = false;
  #closing = false;
  /** Arrival of the oldest waiting record, on the clock of `performance.now`. */
  #waitingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#limits = options.output.limits ?? ONE_SEGMENT;
    this.#facts = options.enrich?.length ? new FactSelection(options.enrich) : undefined;
    this.#retry = new Retry(options.pace);
    this.#counters = options.counters ?? new OutputCounters();
    this.#condition = new Condition(options.output.stuckAfterMs, options.now);
    this.#bookmark = new BookmarkWriter(options.output.bookmark, options.passedAfterMs);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Records that the output does not have yet. */
  get lagRecords(): number {
    return (this.#cursor?.lagRecords ?? 0) - (this.#batch?.sent ?? 0);
  }

  get lagBytes(): number {
    return this.#cursor?.lagBytes ?? 0;
  }

  get status(): DeliveryStatus {
    const now = performance.now();
    const { lagRecords, lagBytes } = this;
    const { lastError } = this.#condition;
    const oldestMs = lagRecords === 0 ? 0 : this.#ages.ofRecord((this.#cursor?.everAppended ?? 0) - lagRecords, now);
    const seal = this.#sealer?.state;
    return {
      downMs: this.#condition.downMs(now),
      lagRecords,
      lagBytes,
      oldestMs,
      stuckMs: this.#condition.stuckMs(now, this.#batch?.workedOnAt),
      ...(lastError && { lastError }),
      ...(seal && { seal: { number: seal.seal, through: seal.through } }),
    };
  }

  /** The send to wait for before more comes: there is one when the lag is large and the output is at work. A failing one is not. */
  get congestion(): Promise<unknown> | undefined {
    return this.lagBytes > this.#options.maxLagBytes / 4 ? this.#sending?.catch(() => undefined) : undefined;
  }

  /** Opens the output. @throws what the output throws; the delivery is then unused and may be dropped */
  async open(): Promise<void> {
    await this.#open();
  }

  /** Assigns new records, and those that the source keeps, to this output. It gets them after `start`. */
  attach(log: DeliverySource): void {
    const { alertsOnly = false, seals = false, enrich = [], maxLagBytes, name, telemetry, now } = this.#options;
    this.#cursor = log.open({
      alertsOnly,
      maxLagBytes,
      marks: seals ? 'stop' : 'skip',
      awaitsHashes: enrich.includes('hashes'),
      position: this.#bookmark.position,
      onMoved: () => this.#moved(),
      onOvertaken: (loss) => this.#lost(loss),
      onResumed: (after) => telemetry.raise('OutputResumed', { output: name, after }),
      onPositionUnknown: (reason) => telemetry.raise('PositionUnknown', { output: name, reason }),
      counters: this.#counters,
      ...(now === undefined ? {} : { now }),
    });
    // Records that an earlier agent left in the spool have waited since this one began, as far as it knows.
    this.#ages.cameIn(this.#cursor.everAppended, performance.now());
  }

  /** Starts to deliver. Keeps trying to open an output that is not open yet. */
  start(): void {
    this.#started = true;
    this.#run();
  }

  /** Stops assigning new records to this output. */
  detach(): void {
    this.#cursor?.end();
  }

  #moved(): void {
    if (this.#readerGone) return;
    if (this.lagRecords > 0) {
      this.#ages.cameIn(this.#cursor?.everAppended ?? 0, performance.now());
      return this.#run();
    }
    this.#bookmark.passed(this.#cursor?.passed, () => this.#run());
  }

  #run(): void {
    if (!this.#started) return;
    // A loop that found no more records ends a moment later: records that arrive until then must not wait for the next loop.
    if (this.#loop !== undefined) {
      this.#runAgain = true;
      return;
    }
    this.#runAgain = false;
    this.#loop = this.#runLoop();
  }

  async #runLoop(): Promise<void> {
    try {
      await this.#deliver();
    } finally {
      this.#loop = undefined;
      if (this.#runAgain) this.#run();
    }
  }

  async #deliver(): Promise<void> {
    while (!this.#readerGone && !this.#abandoned) {
      let outcome: Outcome;
      try {
        if (!this.#isOpen) await this.#open();
        if (this.#cursor === undefined) return;
        const wait = this.#batch === undefined ? this.#cursor.prepare() : undefined;
        if (wait !== undefined) {
          await this.#condition.during(wait);
          continue;
        }
        this.#nameInherited(this.#cursor);
        const batch = this.#batch ?? this.#takeBatch(this.#cursor);
        if (batch === 'passed') continue;
        this.#batch = batch;
        if (batch === undefined) {
          if (!this.#bookmark.passedIsDue) return;
          const told = this.#bookmark.commitPassed(this.#cursor.passed);
          if (told !== undefined) await this.#condition.during(told);
          continue;
        }
        outcome = await this.#send(batch);
      } catch (error) {
        if (error instanceof ReaderGoneError) return this.#loseReader();
        outcome = { kind: 'retry', reason: reasonOf(error), reopen: true };
      }
      await this.#settle(outcome);
    }
  }

  async #open(): Promise<void> {
    const { output } = this.#options;
    await this.#condition.during(output.open());
    this.#isOpen = true;
    if (!this.#retry.isFailing) this.#condition.up();
    await this.#condition.during(this.#bookmark.load(this.#options.seals === true));
  }

  /** Returns the next batch when it is due; else schedules another call. */
  #takeBatch(cursor: LogReader): PendingBatch | 'passed' | undefined {
    const { bytes, records, ageMs } = this.#limits;
    const waits = cursor.lagRecords > 0 && cursor.lagRecords < records && cursor.lagBytes < bytes;
    if (ageMs > 0 && waits && !this.#closing) {
      const now = performance.now();
      this.#waitingSince ??= now;
      const left = this.#waitingSince + ageMs - now;
      if (left > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#run();
        }, left);
        return undefined;
      }
    }
    this.#waitingSince = undefined;
    return takeBatch(cursor, this.#options.output.format, this.#limits, this.#sealerFor(cursor), this.#facts);
  }

  #sealerFor(cursor: LogReader): Sealer | undefined {
    const { seals = false, name, telemetry, now } = this.#options;
    if (!seals) return undefined;
    const onUnbalanced = (reason: string): void =>
      telemetry.raiseRepeating('SealUnbalanced', name, { output: name, reason });
    return (this.#sealer ??= new Sealer(cursor.seals ?? this.#bookmark.seals, onUnbalanced, now));
  }

  async #send(batch: PendingBatch): Promise<Outcome> {
    const sent = this.#condition.during(this.#options.output.send(batch));
    this.#sending = sent;
    try {
      return await sent;
    } finally {
      this.#sending = undefined;
    }
  }

  async #settle(outcome: Outcome): Promise<void> {
    if (outcome.kind === 'retry') return this.#tryLater(outcome);
    const again = outcome.kind === 'refused' ? outcome.again : undefined;
    if (again === undefined) {
      if (this.#retry.isFailing) this.#options.telemetry.raise('OutputRecovered', { output: this.name });
      this.#retry.worked();
      this.#condition.up();
    }
    if (outcome.kind === 'refused') {
      const { through = this.#batch!.records } = outcome;
      this.#countTaken(this.#batch!, through);
      if (this.#cursor !== undefined) this.#refuse(this.#batch!, outcome, this.#cursor);
      if (this.#batch!.advance(through)) return again && this.#tryLater({ kind: 'retry', ...again });
    } else this.#countTaken(this.#batch!, this.#batch!.records);
    await this.#commit();
  }

  #countTaken(batch: PendingBatch, records: number): void {
    const seals = batch.sealsIn(records);
    this.#counters.taken += records - seals;
    this.#counters.seals += seals;
  }

  async #tryLater({ reason, taken = 0, afterMs, reopen = false }: Extract<Outcome, { kind: 'retry' }>): Promise<void> {
    const { output, telemetry } = this.#options;
    this.#condition.failed(reason);
    this.#counters.retries++;
    if (this.#batch !== undefined) this.#countTaken(this.#batch, Math.min(taken, this.#batch.records));
    if (taken > 0 && this.#batch?.advance(taken) === false) await this.#commit();
    telemetry.raiseRepeating('OutputFailed', `${this.name} ${reason}`, { output: this.name, reason });
    if (reopen) {
      this.#isOpen = false;
      await this.#condition.during(output.close()).catch(() => undefined);
    }
    if (!this.#abandoned) await this.#retry.wait(afterMs);
  }

  #refuse(batch: PendingBatch, { reason, records }: Refusal, cursor: LogReader): void {
    this.#condition.refused(reason);
    const { telemetry } = this.#options;
    telemetry.raiseRepeating('EventsRefused', `${this.name} ${reason}`, {
      output: this.name,
      reason,
      count: records.length,
    });
    refuse(batch, records, { cursor, counters: this.#counters, sealer: this.#sealer });
  }

  /** Moves cursor and bookmark to the end of the finished batch. */
  async #commit(): Promise<void> {
    this.#batch = undefined;
    const position = this.#cursor?.commit(this.#sealer?.state);
    // Nearly always there is nothing to wait for, and each wait for nothing costs every batch some microseconds.
    const told = position && this.#bookmark.commit(position);
    if (told !== undefined) await this.#condition.during(told);
    const saved = this.#cursor?.save();
    if (saved !== undefined) await this.#condition.during(saved);
    this.#moved();
  }

  #lost({ count, first, last, unnumbered }: Loss): void {
    this.#options.telemetry.raiseRepeating('EventsDropped', this.name, {
      output: this.name,
      ...(count > 0 ? { first, last, count } : {}),
      ...(unnumbered > 0 || count === 0 ? { unnumbered } : {}),
    });
  }

  #loseReader(): void {
    this.#readerGone = true;
    void this.#cursor?.close();
    this.#options.onReaderGone();
  }

  /**
   * Delivers the remaining records, flushes and closes. A failing output is retried until `deadline` resolves. Never rejects.
   * @returns records that the output does not have
   */
  async close(deadline: Promise<void>): Promise<number> {
    this.#closing = true;
    this.detach();
    clearTimeout(this.#timer);
    this.#bookmark.hurry();
    this.#retry.wake();
    if (this.#isOpen || this.lagRecords > 0) this.#run();
    const isKept = this.#cursor?.isKept === true;
    // Kept records need no last attempts at a receiver that is away.
    if (isKept && this.#retry.isFailing) this.#abandoned = true;
    await Promise.race([this.#finish(), deadline]);
    this.#runAgain = false;
    const missing = this.#readerGone || isKept ? 0 : this.lagRecords;
    this.#abandoned = true;
    this.#retry.wake();
    // A send that never ends must not withhold the place in the log from a successor.
    if (isKept) await this.#cursor?.close();
    return missing;
  }

  /**
   * Gives up what a closed delivery still has, for its successor in the same place, which has to name it.
   * @returns gaps, oldest first
   */
  leaveBehind(): Made[] {
    const rest = this.#batch?.lossOfRest();
    const cause = 'shutdown_timeout';
    const now = this.#options.now?.() ?? new Date();
    const gaps = this.#cursor?.giveUp(cause) ?? [];
    if (rest === undefined || this.#cursor?.isKept === true) return gaps;
    this.#lost(rest);
    this.#counters.overtaken += rest.count;
    return [
      { bootId: this.#batch?.bootId, item: gapItem('output', rest.first, rest.last, rest.count, cause, now) },
      ...gaps,
    ];
  }

  /** Takes over what a delivery to the same place left behind. Before `start`. */
  inherit(gaps: readonly Made[]): void {
    this.#inherited.push(...gaps);
  }

  /** Names what the output before did not get, as far as its place does not have it all the same. */
  #nameInherited(cursor: LogReader): void {
    const { position } = this.#bookmark;
    for (const { item, bootId } of this.#inherited.splice(0)) {
      const rest = position?.bootId === bootId ? itemAfter(item, position?.last ?? NO_NUMBER) : item;
      if (rest !== undefined) cursor.insert({ item: rest, bootId });
    }
  }

  async #finish(): Promise<void> {
    while (this.#loop !== undefined) await this.#loop;
    const { output, telemetry } = this.#options;
    try {
      if (this.#isOpen) await output.flush();
    } catch (error) {
      telemetry.raise('OutputFailed', { output: this.name, reason: reasonOf(error) });
    }
    await output.close().catch(() => undefined);
    await this.#cursor?.close();
  }
}
