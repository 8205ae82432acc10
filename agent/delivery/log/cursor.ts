import type { GapEvent } from '../../../shared/events/gap.ts';
import { countAfter, gapItem, itemAfter, itemOf, NO_NUMBER, type Item, type StreamEvent } from '../../events/item.ts';
import type { Numbering, Position } from '../../events/position.ts';
import { OutputCounters } from '../output-counters.ts';
import { gapIn, Overtaken, type Loss } from './loss.ts';
import type { Log } from './log.ts';
import { flagsOf, type MemorySegment } from './memory-segment.ts';
import type { CursorOptions, LogReader, Made, Piece } from './reader.ts';

/**
 * One output's place in the log. Reads from there, skips records that are not for its output, and reports the output's
 * position after delivery.
 *
 * Records between its place and the end of the log are its lag. Where that grows beyond the bound, the cursor is
 * overtaken: it drops the oldest until half the bound is left, and a gap replaces them. Records that are being sent are
 * never dropped.
 */
export class Cursor implements LogReader {
  readonly #log: Log;
  readonly #options: CursorOptions;
  readonly #settle: (done?: Cursor) => void;
  readonly #counters: OutputCounters;
  #segment: MemorySegment;
  #record: number;
  /** Records and bytes for this output that are not delivered. */
  #lagRecords = 0;
  #lagBytes = 0;
  #everAppended = 0;
  /** Of them, what was read and is not committed. */
  #takenRecords = 0;
  #takenBytes = 0;
  #lent: MemorySegment[] = [];
  #overtaken: Overtaken | undefined;
  /** Lines to be read before the next record of the log. */
  #made: Made[] = [];
  /** The boot of arriving numbers. */
  #bootId: string | undefined;
  /** Numbers up to this are in the output already; undefined once the stream has passed it. */
  #stored: number | undefined;
  /** The newest number that arrived, for this output or another. */
  #through = NO_NUMBER;
  /** The output's position once all records read are delivered. */
  #readTo: Position | undefined;
  #ended = false;
  /** Hop and cause of gaps for records that were given up. */
  #loss: { readonly hop: string; readonly cause: string };

  /** @param settle called after this cursor has moved from one segment to another, with itself at its end */
  constructor(log: Log, options: CursorOptions, settle: (done?: Cursor) => void) {
    this.#log = log;
    this.#options = options;
    this.#settle = settle;
    this.#counters = options.counters ?? new OutputCounters();
    this.#loss = options.loss ?? { hop: 'output', cause: 'queue_full' };
    this.#segment = log.newest;
    this.#record = log.newest.records;
  }

  get alertsOnly(): boolean {
    return this.#options.alertsOnly;
  }

  get isKept(): boolean {
    return false;
  }

  /** The output itself knows. */
  get seals(): undefined {
    return undefined;
  }

  /** The segment that is read next. */
  get segment(): MemorySegment {
    return this.#segment;
  }

  /** Records for this output that are not delivered. */
  get lagRecords(): number {
    return this.#lagRecords;
  }

  get lagBytes(): number {
    return this.#lagBytes;
  }

  get everAppended(): number {
    return this.#everAppended;
  }

  /** Whether nothing in the log is still to be read or delivered. */
  get isAtEnd(): boolean {
    return this.#segment === this.#log.newest && this.#record === this.#segment.records && this.#lent.length === 0;
  }

  /** The position up to which everything for the output is delivered; undefined while something is pending or the position is unknown. */
  get passed(): Position | undefined {
    const last = this.#through;
    if (this.#lagRecords > 0 || this.#bootId === undefined || last <= (this.#stored ?? NO_NUMBER)) return undefined;
    return { bootId: this.#bootId, last };
  }

  /**
   * Sets the numbering of records from now on.
   * @returns the number up to which the output has everything; undefined when it does not know
   */
  begin(numbering: Numbering): number | undefined {
    const { bootId, lastSeq } = numbering;
    if (bootId !== this.#bootId) {
      this.#bootId = bootId;
      this.#through = NO_NUMBER;
      this.#stored = this.#believed(numbering);
    } else if (this.#stored !== undefined && this.#stored > lastSeq) {
      // The helper restarted its numbers below that position.
      this.#stored = undefined;
    }
    return this.#stored;
  }

  /** Returns the output's position if it belongs to this boot and is plausible. A position that is too high would hide new events. */
  #believed({ bootId, lastSeq }: Numbering): number | undefined {
    const { position, onPositionUnknown, onResumed } = this.#options;
    if (position === undefined || position.bootId !== bootId) return undefined;
    if (position.last > lastSeq) {
      onPositionUnknown(`the output holds the number ${position.last}, and the helper has given none above ${lastSeq}`);
      return undefined;
    }
    onResumed(position.last);
    return position.last;
  }

  /** A gap came in, which this output is going to have. Called by the log, before `appended`. */
  missed(gap: GapEvent): void {
    if (this.#ended) return;
    this.#counters.missed(gap.hop, gap.cause, this.#stored === undefined ? gap.count : countAfter(gap, this.#stored));
  }

  /** Of these items, `count` events with a number are not for an output that gets alerts only. Called by the log. */
  leftOut(items: readonly Item[], count: number): void {
    if (this.#ended) return;
    const stored = this.#stored;
    this.#counters.notAlerts +=
      stored === undefined ? count : items.filter((item) => item.last > stored && flagsOf(item) === 0).length;
  }

  /** So much was appended for this output. Called by the log, before `moved`. */
  appended(records: number, bytes: number): void {
    if (this.#ended || records === 0) return;
    this.#lagRecords += records;
    this.#everAppended += records;
    this.#lagBytes += bytes;
    if (this.#lagBytes > this.#options.maxLagBytes) this.#yield();
  }

  /** Reacts to growth of the log, or to numbers that passed without a record. Called by the log. */
  moved(through: number): void {
    if (this.#ended) return;
    if (through !== NO_NUMBER) this.#through = through;
    if (this.#lagRecords === 0) {
      this.#skipToEnd();
      if (this.#stored !== undefined && through > this.#stored) this.#stored = undefined;
    }
    this.#options.onMoved();
  }

  /** Restarts at the front of the newest segment, which is refilled. Called by the log while the cursor is at its end. */
  rewind(): void {
    this.#record = 0;
  }

  /** Adapts to a segment that dropped records which are not for this output. Called by the log. */
  compacted(places: Uint16Array): void {
    this.#record = places[this.#record]!;
  }

  /** Excludes later records from this output. Earlier ones can still be read. */
  end(): void {
    this.#ended = true;
  }

  /** The boot of the next record for this output; undefined where there is none. Moves over records that are not for it. */
  nextBootId(): string | undefined {
    if (this.#overtaken !== undefined) this.#nameLoss();
    return this.#made[0]?.bootId ?? (this.#findNext() ? this.#segment.bootId : undefined);
  }

  /** Gives up everything that was not read. @returns the gaps that name it, boot by boot, with those that were not read */
  giveUp(cause: string): Made[] {
    this.#loss = { hop: this.#loss.hop, cause };
    while (this.#findNext()) {
      const segment = this.#segment;
      const record = this.#record++;
      this.#drop(segment, record);
      this.#pass(segment.bytesOf(record, record + 1));
    }
    if (this.#overtaken !== undefined) this.#nameLoss();
    this.#lagRecords -= this.#made.length;
    return this.#made.splice(0);
  }

  /** Gives up its place. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#giveBack();
    this.#settle(this);
  }

  /** All is in memory, except hashes that are about to come. */
  prepare(): Promise<unknown> | undefined {
    if (this.#options.awaitsHashes !== true || this.#overtaken !== undefined || this.#made.length > 0) return undefined;
    return this.#findNext() ? this.#segment.settled(this.#record) : undefined;
  }

  take(limits: { bytes: number; records: number }, after?: Piece): Piece | undefined {
    if (this.#overtaken !== undefined) this.#nameLoss();
    const made = this.#made[0];
    if (made !== undefined) {
      if (after !== undefined && made.bootId !== after.bootId) return undefined;
      this.#made.shift();
      return this.#taken(made, 1, made.item.bytes, made.item.last);
    }
    if (!this.#findNext()) return undefined;
    const segment = this.#segment;
    const { bootId } = segment;
    const from = this.#record;
    if (
      after !== undefined &&
      (bootId !== after.bootId || this.#stopsAt(segment, from) || this.#waitsFor(segment, from))
    )
      return undefined;
    const rest = this.#restOf(segment, from);
    if (rest !== undefined) {
      this.#record++;
      return this.#taken({ item: rest, bootId }, 1, segment.bytesOf(from, from + 1), rest.last);
    }
    const to = this.#endOfRun(segment, from, limits);
    this.#record = to;
    segment.lent++;
    this.#lent.push(segment);
    const last = segment.lastNumberIn(from, to);
    return this.#taken({ segment, from, to, bootId }, to - from, segment.bytesOf(from, to), last);
  }

  #taken(piece: Piece, records: number, bytes: number, last: number): Piece {
    this.#takenRecords += records;
    this.#takenBytes += bytes;
    if (last !== NO_NUMBER && piece.bootId !== undefined) this.#readTo = { bootId: piece.bootId, last };
    return piece;
  }

  /** Records for this output that are in the log and were not read. */
  get #unread(): number {
    return this.#lagRecords - this.#takenRecords - this.#made.length;
  }

  /** Goes to the next record that is for this output. @returns whether there is one */
  #findNext(): boolean {
    while (this.#unread > 0) {
      const segment = this.#segment;
      if (this.#record === segment.records) this.#enter(segment.next!);
      else if (this.#wants(segment, this.#record)) return true;
      else this.#record++;
    }
    return false;
  }

  #stopsAt(segment: MemorySegment, record: number): boolean {
    return this.#options.marks === 'stop' && segment.isMark(record);
  }

  #waitsFor(segment: MemorySegment, record: number): boolean {
    return this.#options.awaitsHashes === true && segment.nextPending(record, record + 1) === record;
  }

  #wants(segment: MemorySegment, record: number): boolean {
    if (segment.isMark(record)) {
      if (this.#options.marks !== undefined && this.#options.marks !== 'skip') return true;
      this.#pass(segment.bytesOf(record, record + 1));
      return false;
    }
    if (this.#options.alertsOnly && !segment.isNotable(record)) return false;
    if (!this.#hasStored(segment, record)) return true;
    this.#pass(segment.bytesOf(record, record + 1));
    return false;
  }

  #hasStored(segment: MemorySegment, record: number): boolean {
    const stored = this.#stored;
    if (stored === undefined || segment.bootId !== this.#bootId) return false;
    const last = segment.lastOf(record);
    return last !== NO_NUMBER && last <= stored;
  }

  #pass(bytes: number): void {
    this.#lagRecords--;
    this.#lagBytes -= bytes;
  }

  /** Returns the undelivered rest of the record at the output's stored position, which a gap can span. */
  #restOf(segment: MemorySegment, record: number): Item | undefined {
    const stored = this.#stored;
    if (stored === undefined || segment.bootId !== this.#bootId || segment.lastOf(record) === NO_NUMBER)
      return undefined;
    this.#stored = undefined;
    if (!segment.isGap(record) || segment.firstOf(record) > stored) return undefined;
    return itemAfter(itemOf(JSON.parse(segment.lineOf(record)) as StreamEvent), stored);
  }

  #endOfRun(segment: MemorySegment, from: number, { bytes, records }: { bytes: number; records: number }): number {
    // Up to the stored position, check each record alone.
    if (this.#stored !== undefined || this.#stopsAt(segment, from)) return from + 1;
    const most = Math.min(segment.records, from + Math.min(records, this.#unread));
    const known = this.#options.awaitsHashes === true ? segment.nextPending(from + 1, most) : most;
    const end = this.#options.marks === 'copy' ? known : segment.nextMark(from + 1, known);
    if (!this.#options.alertsOnly && segment.bytesOf(from, end) <= bytes) return end;
    let to = from + 1;
    while (to < end && segment.bytesOf(from, to + 1) <= bytes && this.#wants(segment, to)) to++;
    return to;
  }

  #enter(segment: MemorySegment): void {
    this.#segment = segment;
    this.#record = 0;
    this.#settle();
  }

  #skipToEnd(): void {
    const { newest } = this.#log;
    if (this.#segment !== newest) this.#enter(newest);
    this.#record = newest.records;
  }

  /** Marks all records read as delivered. @returns the output's position, if a number gives one */
  commit(): Position | undefined {
    this.#lagRecords -= this.#takenRecords;
    this.#lagBytes -= this.#takenBytes;
    const gaveBack = this.#giveBack();
    const position = this.#readTo;
    this.#readTo = undefined;
    if (this.#lagRecords === 0 && !this.#ended) this.#skipToEnd();
    if (gaveBack) this.#settle();
    return position;
  }

  /** @returns whether memory that is not being filled any more is not lent by this cursor now */
  #giveBack(): boolean {
    const lent = this.#lent;
    for (const segment of lent) segment.lent--;
    this.#lent = [];
    this.#takenRecords = 0;
    this.#takenBytes = 0;
    return lent.some((segment) => segment !== this.#log.newest);
  }

  /** The output's own bookmark remembers its place. */
  save(): undefined {
    return undefined;
  }

  insertGap(bootId: string | undefined, { first, last, count }: Omit<Loss, 'unnumbered'>, cause: string): void {
    this.insert({ bootId, item: gapItem('output', first, last, count, cause, this.#now()) });
  }

  /** Puts a line in front of what comes next. */
  insert({ item, bootId }: Made): void {
    this.#made.push({ item, bootId });
    this.#lagRecords++;
    this.#everAppended++;
    this.#lagBytes += item.bytes;
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  /** Drops the oldest records that are not being sent, until half the bound is left. Keeps the newest, however long it is. */
  #yield(): void {
    const { maxLagBytes } = this.#options;
    while (this.#lagBytes > maxLagBytes / 2 && this.#findNext() && !this.#isLast()) {
      const segment = this.#segment;
      const record = this.#record++;
      this.#drop(segment, record);
      this.#pass(segment.bytesOf(record, record + 1));
    }
  }

  /** Whether the next record is the newest of the log. */
  #isLast(): boolean {
    return this.#segment.next === undefined && this.#record === this.#segment.records - 1;
  }

  #drop(segment: MemorySegment, record: number): void {
    // Nothing is lost with a mark: the next one seals as much.
    if (segment.isMark(record)) return;
    if (this.#overtaken !== undefined && this.#overtaken.bootId !== segment.bootId) this.#nameLoss();
    const last = segment.lastOf(record);
    const gap =
      last !== NO_NUMBER && segment.isGap(record)
        ? (this.#restOf(segment, record)?.gap ?? gapIn(segment, record))
        : undefined;
    const loss = (this.#overtaken ??= new Overtaken(segment.bootId));
    loss.add(segment.firstOf(record), last, gap);
    if (last === NO_NUMBER) this.#counters.unnumbered++;
    // The numbers of a gap were counted when it came in.
    else if (gap === undefined) this.#counters.overtaken++;
  }

  #nameLoss(): void {
    const loss = this.#overtaken!;
    this.#overtaken = undefined;
    this.#options.onOvertaken(loss.loss);
    if (loss.count > 0) {
      const { hop, cause } = this.#loss;
      const item = gapItem(hop, loss.first, loss.last, loss.count, cause, this.#now());
      this.insert({ bootId: loss.bootId, item });
    }
  }
}
