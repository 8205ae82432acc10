import type { Piece, Run } from '../log/reader.ts';
import type { MemorySegment } from '../log/memory-segment.ts';
import { DiskReader } from './disk-reader.ts';
import type { Place } from './place.ts';
import type { SpoolState } from './state.ts';
import type { Tail, TailView } from './tail.ts';
import { placeAfter, recordAt, type FrameView } from './view.ts';

export interface FrameReaderOptions {
  alertsOnly: boolean;
  /** Whether the output seals, and so gets marks. */
  seals: boolean;
  /** Whether the output writes hashes, and so waits for those that are about to come. */
  awaitsHashes: boolean;
  state: SpoolState;
  tail: Tail;
  /** Nothing from here on is for this output. */
  end: () => Place;
  /** There is nothing between the two places. @returns whether the output lacks something of it, so that a gap comes first */
  onHole: (from: Place, to: Place) => boolean;
}

/**
 * Reads the spool for one output: the newest frames from memory, older ones from disk. Passes over records that the output
 * does not want.
 */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  readonly #disk: DiskReader;
  /** The place that is read next. */
  #at: Place | undefined;
  /** Frames that were read from disk. */
  #views: FrameView[] = [];

  constructor(options: FrameReaderOptions) {
    this.#options = options;
    this.#disk = new DiskReader(options.state);
  }

  /** The place that is read next; undefined until `begin`. */
  get at(): Place | undefined {
    return this.#at;
  }

  begin(place: Place): void {
    this.#at = place;
  }

  /** A frame is on its way out of memory. */
  leaving({ before, after, file, offset }: TailView): void {
    const at = this.#at?.ordinal;
    if (at === undefined || file === undefined || this.#views.length > 0) return;
    if (before.ordinal <= at && at < after.ordinal) this.#disk.seek(file, offset);
  }

  /** Whether there is more for this output than what is in memory. */
  get isOnDisk(): boolean {
    const { ordinal } = this.#at!;
    const { tail, end } = this.#options;
    return ordinal < end().ordinal && ordinal < (tail.first?.before.ordinal ?? Infinity);
  }

  /** Reads the next frames from disk. */
  async load(): Promise<void> {
    const { state, tail } = this.#options;
    const at = this.#at!;
    // All before this is on disk, or nowhere.
    const target = tail.first?.before ?? state.end;
    this.#views = await this.#disk.load(at.ordinal);
    if (this.#views.length === 0) this.#jumpTo(target);
  }

  /** The frame with the next record that this output wants; passes over others. Undefined when it is not in memory. */
  find(): FrameView | undefined {
    const { alertsOnly, seals } = this.#options;
    for (;;) {
      const end = this.#options.end();
      // Where no alert is left, it does not matter what else there is.
      if (alertsOnly && this.#at!.notableRecords === end.notableRecords && this.#at!.notable === end.notable)
        this.#at = end;
      const at = this.#at!;
      if (at.ordinal >= end.ordinal) return undefined;
      const view = this.#viewAt(at.ordinal);
      if (view === undefined) return undefined;
      if (this.#isBefore(view.before)) {
        if (this.#jumpTo(view.before)) return view;
        continue;
      }
      if (!alertsOnly && (seals || !view.segment.isMark(recordAt(view, at)))) return view;
      const { segment, to, after } = view;
      let record = recordAt(view, at);
      const from = record;
      if (alertsOnly && after.notableRecords === at.notableRecords) record = to;
      else while (record < to && !this.#isWanted(segment, record)) record++;
      if (record > from) this.#at = record === to ? after : placeAfter(at, segment, from, record);
      if (record < to) return view;
    }
  }

  #isWanted(segment: MemorySegment, record: number): boolean {
    const { alertsOnly, seals } = this.#options;
    return segment.isMark(record) ? seals : !alertsOnly || segment.isNotable(record);
  }

  #viewAt(ordinal: number): FrameView | undefined {
    while (this.#views[0] !== undefined && this.#views[0].after.ordinal <= ordinal) this.#views.shift();
    return this.#views[0] ?? this.#options.tail.find(ordinal);
  }

  /** Whether a frame does not begin where the one before it ended. */
  #isBefore({ ordinal, bootId, events, notableRecords }: Place): boolean {
    const at = this.#at!;
    if (at.ordinal !== ordinal) return at.ordinal < ordinal;
    return at.bootId !== bootId || at.events !== events || at.notableRecords !== notableRecords;
  }

  /** Goes on at a later place. @returns whether a gap comes before it */
  #jumpTo(to: Place): boolean {
    const hasGap = this.#options.onHole(this.#at!, to);
    this.#at = to;
    return hasGap;
  }

  /** Settles when the hashes that the next records of `view` wait for are there; undefined when the first waits for none. */
  settled(view: FrameView): Promise<unknown> | undefined {
    return this.#options.awaitsHashes ? view.segment.settled(recordAt(view, this.#at!)) : undefined;
  }

  /**
   * Reads on in the frame that `find` gave, over frames that lie side by side, as far as the limits allow.
   * @param after the piece that it is to follow in one batch; a mark, and a record that waits for hashes, begin a batch
   */
  take(view: FrameView, limits: { bytes: number; records: number }, after?: Piece): Run | undefined {
    const { segment } = view;
    const from = recordAt(view, this.#at!);
    if (after !== undefined && (segment.isMark(from) || this.#nextPending(segment, from, from + 1) === from))
      return undefined;
    return { segment, from, to: this.#endOfRun(view, from, limits), bootId: segment.bootId };
  }

  /** @returns the record after the last */
  #endOfRun(start: FrameView, first: number, limits: { bytes: number; records: number }): number {
    const { segment } = start;
    let to = first;
    for (let view: FrameView | undefined = start; view?.segment === segment;) {
      const at: Place = this.#at!;
      const stop = Math.min(view.to, first + limits.records, to + this.#options.end().ordinal - at.ordinal);
      const from = to;
      const most = segment.isMark(first)
        ? first + 1
        : this.#nextPending(segment, Math.max(to, first + 1), segment.nextMark(to, stop));
      while (to < most && (to === first || segment.bytesOf(first, to + 1) <= limits.bytes)) {
        if (this.#options.alertsOnly && !segment.isNotable(to)) break;
        to++;
      }
      this.#at = to === view.to ? view.after : placeAfter(at, segment, from, to);
      if (to < view.to) break;
      view = this.#viewAt(this.#at.ordinal);
      if (view?.from !== to || this.#isBefore(view.before)) break;
    }
    return to;
  }

  /** The first record of a range that still waits for hashes which the output writes; `to` where none does. */
  #nextPending(segment: MemorySegment, from: number, to: number): number {
    return this.#options.awaitsHashes && from < to ? segment.nextPending(from, to) : to;
  }
}
