import type { GapEvent } from '../../../shared/events/gap.ts';
import { gapItem, type Item } from '../../events/item.ts';
import type { Loss } from '../log/loss.ts';
import type { MemorySegment } from '../log/memory-segment.ts';
import type { LogReader, Made, Piece } from '../log/reader.ts';
import type { OutputCounters } from '../output-counters.ts';
import type { SealState } from '../../events/seal-state.ts';
import { FrameReader } from './frame-reader.ts';
import { KeptPlace } from './kept-place.ts';
import type { OldestPlace } from './oldest.ts';
import { lostBetween, type Place } from './place.ts';
import type { SpoolState } from './state.ts';
import type { Tail, TailView } from './tail.ts';
import { recordAt, type FrameView } from './view.ts';

export interface SpooledCursorOptions {
  /** Of the output: names the file that keeps the place. */
  name: string;
  alertsOnly: boolean;
  /** Whether the output seals, and so gets marks. */
  seals: boolean;
  /** Whether the output writes hashes, and so waits for those that are about to come. */
  awaitsHashes: boolean;
  state: SpoolState;
  tail: Tail;
  /** Whether each place that is remembered has to survive a crash of the machine at once. */
  syncEach: boolean;
  /** Where to begin when no place is remembered: the oldest record that the spool holds. */
  oldest: () => Promise<OldestPlace>;
  /** The cursor that has this name now: its place is taken over once it is closed. */
  predecessor: SpooledCursor | undefined;
  /** Resolves when the records before an ordinal are written, or cannot be written now. */
  written: (ordinal: number) => Promise<void>;
  /** Records for this output may have come in. */
  onMoved: () => void;
  /** Records can never be read; the gap that stands for them comes next. */
  onLost: (loss: Loss, cause: string) => void;
  /** The place, or the memory that was lent, is another. */
  onProgress: () => void;
  /** Counts what the output does not get: gaps as it gets them. */
  counters: OutputCounters;
  now: () => Date;
}

/** A line that was made here, and the place that the output has reached while it is not delivered. */
interface PendingMade extends Made {
  readonly safe: Place;
  /** Whether the batch before it is read again from there after a restart. */
  readonly repeats: boolean;
}

/**
 * One output's place in the spool. A jump in what the frames account for is a gap, whatever the reason: dropped, damaged or
 * removed.
 */
export class SpooledCursor implements LogReader {
  readonly #options: SpooledCursorOptions;
  readonly #kept: KeptPlace;
  readonly #reader: FrameReader;
  /** Everything before it is delivered. */
  #done: Place | undefined;
  /** Whether something was read and is not committed. */
  #isSending = false;
  /** Where its first record is. */
  #batchFrom: Place | undefined;
  /** Nothing from here on is for this output; undefined while it goes on. */
  #endAt: Place | undefined;
  #made: PendingMade[] = [];
  #lent: MemorySegment[] = [];
  /** Of what is being sent, gaps that are not counted yet. */
  #gaps: GapEvent[] = [];
  /** As of `#done`. */
  #seals: SealState | undefined;
  /** The mark whose being written was waited for. */
  #awaitedMark = 0;
  /** The gap for what is missing before the place where this began. Until it is delivered no place is kept: the next life would not make it. */
  #untold: Item | undefined;
  #starting: Promise<void> | undefined;
  #keeps = 0;
  #saving: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  readonly #closed = Promise.withResolvers<void>();

  constructor(options: SpooledCursorOptions) {
    this.#options = options;
    this.#kept = new KeptPlace(options.name, options.state);
    this.#reader = new FrameReader({
      ...options,
      end: () => this.#end,
      onHole: (from, to) => this.#nameLost(from, to),
    });
    this.#starting = this.#start();
  }

  get name(): string {
    return this.#options.name;
  }

  get alertsOnly(): boolean {
    return this.#options.alertsOnly;
  }

  get isKept(): boolean {
    return true;
  }

  get seals(): SealState | undefined {
    return this.#seals;
  }

  /** The ordinal that this output still needs, and all after it. */
  get needs(): number {
    return this.#done?.ordinal ?? 0;
  }

  /**
   * A restart needs no record before this ordinal, even after a crash of the machine; 0 while that is not known. It is behind
   * `needs`: a place that is in memory alone would find a hole where the records before it were removed.
   */
  get keeps(): number {
    return this.#keeps;
  }

  /** Everything before it is delivered; undefined while that is not known. */
  get place(): Place | undefined {
    return this.#done;
  }

  /** Resolves when it is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get #end(): Place {
    return this.#endAt ?? this.#options.state.end;
  }

  get lagRecords(): number {
    if (this.#done === undefined) return 0;
    const field = this.alertsOnly ? 'notableRecords' : 'ordinal';
    return Math.max(0, this.#end[field] - this.#done[field]) + this.#made.length;
  }

  get lagBytes(): number {
    if (this.#done === undefined) return 0;
    const field = this.alertsOnly ? 'notableBytes' : 'bytes';
    return Math.max(0, this.#end[field] - this.#done[field]);
  }

  get everAppended(): number {
    const field = this.alertsOnly ? 'notableRecords' : 'ordinal';
    return this.#end[field];
  }

  get passed(): undefined {
    return undefined;
  }

  async #start(): Promise<void> {
    const { predecessor, state, oldest } = this.#options;
    await predecessor?.closed;
    const { place, seals } = await this.#kept.load(predecessor?.place === undefined);
    if (predecessor?.place !== undefined) {
      this.#seals = predecessor.seals;
      this.#keeps = predecessor.keeps;
      return this.#begin(predecessor.place);
    }
    this.#seals = seals;
    // A crash of the machine took the records before it from the spool: they are delivered, and those that are there as well.
    if (place !== undefined && place.ordinal > state.recoveredTo) this.#begin(state.opened);
    else if (place !== undefined) this.#begin(place);
    else this.#beginAtOldest(await oldest());
  }

  #beginAtOldest({ place, uncounted }: OldestPlace): void {
    if (uncounted !== undefined) {
      const { bootId, first, last, count } = uncounted;
      this.#options.onLost({ first, last, count, unnumbered: 0 }, 'damaged');
      const item = gapItem('spool', first, last, count, 'damaged', this.#options.now(), true);
      this.#made.push({ item, bootId, safe: place, repeats: false });
      this.#untold = item;
    }
    this.#begin(place);
  }

  #begin(place: Place): void {
    this.#done = place;
    this.#reader.begin(place);
    this.#starting = undefined;
    this.#options.onProgress();
  }

  /** A frame is on its way out of memory. */
  leaving(view: TailView): void {
    this.#reader.leaving(view);
  }

  /** The spool has grown. */
  moved(): void {
    if (this.#endAt !== undefined || this.#closing !== undefined) return;
    if (this.alertsOnly) this.passOver();
    this.#options.onMoved();
  }

  prepare(): Promise<unknown> | undefined {
    if (this.#closing !== undefined) return undefined;
    if (this.#starting !== undefined) return this.#starting;
    if (this.#made.length > 0) return undefined;
    const view = this.#reader.find();
    if (view === undefined) return this.#reader.isOnDisk ? this.#load() : undefined;
    return this.#markWritten(view) ?? (this.#made.length === 0 ? this.#reader.settled(view) : undefined);
  }

  /**
   * The lines behind a mark say that they are in the next seal. Once one of them is out, the mark may not be lost with this
   * process. Waits once: a disk that takes nothing does not hold up the output.
   */
  #markWritten(view: FrameView): Promise<void> | undefined {
    const at = this.#reader.at!;
    const { ordinal } = at;
    const { state, written } = this.#options;
    if (!view.segment.isMark(recordAt(view, at)) || this.#made.length > 0) return undefined;
    if (ordinal < state.written.ordinal || ordinal === this.#awaitedMark) return undefined;
    this.#awaitedMark = ordinal;
    return written(ordinal + 1);
  }

  nextBootId(): string | undefined {
    if (this.#closing !== undefined || this.#reader.at === undefined) return undefined;
    const view = this.#made.length > 0 ? undefined : this.#reader.find();
    return this.#made[0]?.bootId ?? view?.segment.bootId;
  }

  async #load(): Promise<void> {
    await this.#reader.load();
    this.passOver();
  }

  /** Records of a hole that this output wants are lost, and gaps stand for them. @returns whether there are any */
  #nameLost(from: Place, to: Place): boolean {
    const { state, alertsOnly, onLost, now } = this.#options;
    const cause = to.ordinal <= state.droppedTo ? 'spool_full' : 'damaged';
    const losses = lostBetween(from, to, state.boots, alertsOnly);
    for (const { bootId, first, last, count } of losses) {
      onLost({ first, last, count, unnumbered: 0 }, cause);
      this.#made.push({ item: gapItem('spool', first, last, count, cause, now()), bootId, safe: from, repeats: false });
    }
    return losses.length > 0;
  }

  take(limits: { bytes: number; records: number }, after?: Piece): Piece | undefined {
    if (this.#closing !== undefined || this.#reader.at === undefined) return undefined;
    const view = this.#made.length > 0 ? undefined : this.#reader.find();
    const [made] = this.#made;
    if (made !== undefined) {
      if (after !== undefined && made.bootId !== after.bootId) return undefined;
      this.#made.shift();
      this.#isSending = true;
      // Those of the output itself were counted when they were made.
      if (made.item.gap?.hop === 'spool') this.#gaps.push(made.item.gap);
      return { item: made.item, bootId: made.bootId };
    }
    if (view === undefined || (after !== undefined && view.segment.bootId !== after.bootId)) return undefined;
    this.#isSending = true;
    this.#batchFrom ??= this.#reader.at;
    const run = this.#reader.take(view, limits, after);
    if (run === undefined) return undefined;
    const { segment, from, to } = run;
    segment.lent++;
    this.#lent.push(segment);
    for (let record = from; record < to; record++)
      if (segment.isGap(record)) this.#gaps.push(JSON.parse(segment.lineOf(record)) as GapEvent);
    return run;
  }

  commit(seals?: SealState): undefined {
    for (const { hop, cause, count } of this.#gaps) this.#options.counters.missed(hop, cause, count);
    this.#gaps = [];
    this.#giveBack();
    this.#isSending = false;
    if (this.#closing !== undefined) return undefined;
    const [pending] = this.#made;
    if (!this.#made.some(({ item }) => item === this.#untold)) this.#untold = undefined;
    // Records that are read again after a restart are not counted yet.
    const repeats = pending !== undefined && (pending.repeats || pending.safe.ordinal === this.#done?.ordinal);
    if (!repeats) this.#seals = seals;
    this.#reach(pending?.safe ?? this.#reader.at);
    this.#batchFrom = undefined;
    this.#options.onProgress();
    return undefined;
  }

  #giveBack(): void {
    for (const segment of this.#lent) segment.lent--;
    this.#lent = [];
  }

  insertGap(bootId: string | undefined, { first, last, count }: Omit<Loss, 'unnumbered'>, cause: string): void {
    this.insert({ bootId, item: gapItem('output', first, last, count, cause, this.#options.now()) });
  }

  insert({ item, bootId }: Made): void {
    const safe = this.#batchFrom ?? this.#reader.at!;
    // In front of gaps for what comes later.
    const at = this.#made.findIndex((made) => made.safe.ordinal > safe.ordinal);
    this.#made.splice(at === -1 ? this.#made.length : at, 0, { item, bootId, safe, repeats: true });
  }

  /** All of it is on disk. */
  giveUp(): Made[] {
    return [];
  }

  /** While nothing is being sent, records that were only passed over count as done, too. */
  passOver(): void {
    if (this.#isSending || this.#reader.at === undefined || this.#closing !== undefined) return;
    if (this.#made.length === 0) this.#reader.find();
    const place = this.#made[0]?.safe ?? this.#reader.at;
    if (place === this.#done) return;
    this.#reach(place);
    this.#options.onProgress();
  }

  #reach(place: Place | undefined): void {
    const before = this.#done;
    this.#done = place;
    // Records other than alerts and gaps were passed over.
    if (this.alertsOnly && before !== undefined && place !== undefined)
      this.#options.counters.notAlerts += place.events - place.notable - (before.events - before.notable);
  }

  /**
   * Remembers the place, once what is before it is written: whoever is killed then repeats one batch, not more.
   * @param sync whether it has to survive a crash of the machine
   */
  save(sync = this.#options.syncEach): Promise<void> {
    return (this.#saving = this.#saving.then(() => this.#save(sync)));
  }

  /**
   * Before records are given up: resolves when the place is in its file. Else the next life would begin behind them, and no gap would
   * name them; or in front of them, and the gap would name what was delivered. Waits for nothing that is written.
   */
  async placed(): Promise<void> {
    // A successor has the place of the cursor before it, whose end waits for what is written.
    if (this.#options.predecessor === undefined) await this.#starting;
    await this.#keep(this.#options.syncEach);
  }

  /** @returns the place that is kept now; undefined where it was there already, or none can be */
  async #keep(sync: boolean): Promise<Place | undefined> {
    const { written } = this.#options.state;
    const done = this.#done;
    if (done === undefined || this.#untold !== undefined) return undefined;
    // A place that is ahead of what is on disk would be nowhere after a restart; all before what is on disk is delivered as well.
    const place = done.ordinal > written.ordinal ? written : done;
    return (await this.#kept.keep(place, sync, () => this.#seals)) ? place : undefined;
  }

  async #save(sync: boolean): Promise<void> {
    const { written, onProgress } = this.#options;
    if (this.#done === undefined) return;
    await written(this.#done.ordinal);
    const place = await this.#keep(sync);
    if (!sync || place === undefined) return;
    // Also after an error: a place that cannot be kept must not fill the disk with what is delivered.
    this.#keeps = place.ordinal;
    onProgress();
  }

  end(): void {
    this.#endAt ??= this.#options.state.end;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    // Memory that an endless send still reads is given back when it ends.
    if (!this.#isSending) this.#giveBack();
    // One that was never told its place has one all the same.
    if (this.#options.predecessor === undefined) await this.#starting;
    await this.save(true);
    await this.#kept.close();
    this.#closed.resolve();
    this.#options.onProgress();
  }
}
