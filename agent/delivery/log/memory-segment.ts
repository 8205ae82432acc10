import type { Facts, Hold } from '../../events/facts.ts';
import { NO_NUMBER, type Item } from '../../events/item.ts';

/**
 * Lines that one segment holds, in bytes; a longer line gets a segment of its own size. Large enough for few system
 * calls, small enough that memory does not jump: an output writes one piece in each turn of the event loop, and must
 * outpace the reads, of which there is one as well (256 KiB).
 */
export const SEGMENT_BYTES = 1024 * 1024;

/** Records that one segment holds: its index has a fixed size, 21 bytes a record. */
export const SEGMENT_RECORDS = 4096;

/** Facts about a record that a reader can use without its line. A mark has no other flag. */
export const FLAG = { alert: 1, gap: 2, mark: 4 } as const;

/** Returns the flags that the log stores with an item's line and numbers. */
export function flagsOf(item: Item): number {
  return (item.isAlert ? FLAG.alert : 0) | (item.gap === undefined ? 0 : FLAG.gap);
}

/** The index of a segment: where each line ends in its memory, which numbers it stands for, and its flags. */
export interface RecordIndex {
  readonly ends: Uint32Array;
  readonly firsts: Float64Array;
  readonly lasts: Float64Array;
  readonly flags: Uint8Array;
}

/**
 * A part of the log in memory: lines of one boot, side by side, and an index of them. Filled once from front to back;
 * its contents never change during a read.
 */
export class MemorySegment {
  readonly bootId: string | undefined;
  /** The segment that was begun after this one. */
  next: MemorySegment | undefined;
  /** Batches that are being sent from this memory. Until they are done, it is not used for anything else. */
  lent = 0;
  /** Whether it holds only alerts and gaps after compaction. */
  compacted = false;
  #memory: Buffer;
  #index: RecordIndex;
  #records = 0;
  #bytes = 0;
  /** By record. Absent while no record has any. */
  #facts: (Facts | undefined)[] | undefined;
  #factBytes = 0;

  constructor(bootId: string | undefined, memory: Buffer, index: RecordIndex = newIndex(SEGMENT_RECORDS)) {
    this.bootId = bootId;
    this.#memory = memory;
    this.#index = index;
  }

  /** Makes a segment of existing lines. @param facts by record, where any has some */
  static of(
    bootId: string | undefined,
    memory: Buffer,
    index: RecordIndex,
    facts?: (Facts | undefined)[],
  ): MemorySegment {
    const segment = new MemorySegment(bootId, memory, index);
    segment.#facts = facts;
    segment.#records = index.ends.length;
    segment.#bytes = memory.length;
    return segment;
  }

  get records(): number {
    return this.#records;
  }

  /** Bytes of all its lines. */
  get bytes(): number {
    return this.#bytes;
  }

  get memory(): Buffer {
    return this.#memory;
  }

  get index(): RecordIndex {
    return this.#index;
  }

  /** Facts that outputs asked for, by record; undefined where no record has any. */
  get facts(): readonly (Facts | undefined)[] | undefined {
    return this.#facts;
  }

  /** Memory that the facts of its records take, in bytes. */
  get factBytes(): number {
    return this.#factBytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#records < SEGMENT_RECORDS && this.#memory.length - this.#bytes >= bytes;
  }

  /**
   * Enters a line of an item into the index and reserves its place.
   * @param facts of the event, where there are any
   * @returns where its bytes have to be copied to, before anybody reads
   */
  reserve(item: Item, bytes: number, flags: number, facts?: Facts): number {
    const at = this.#bytes;
    const record = this.#records++;
    const { ends, firsts, lasts } = this.#index;
    this.#bytes = at + bytes;
    ends[record] = at + bytes;
    firsts[record] = item.first;
    lasts[record] = item.last;
    this.#index.flags[record] = flags;
    if (facts !== undefined) {
      (this.#facts ??= [])[record] = facts;
      this.#factBytes += facts.bytes;
    }
    return at;
  }

  /** Where the line of a record begins in `memory`. */
  startOf(record: number): number {
    return record === 0 ? 0 : this.#index.ends[record - 1]!;
  }

  /** Where it ends, its newline included. */
  endOf(record: number): number {
    return this.#index.ends[record]!;
  }

  firstOf(record: number): number {
    return this.#index.firsts[record]!;
  }

  lastOf(record: number): number {
    return this.#index.lasts[record]!;
  }

  /** Whether a record is an alert or a gap, the records for alert outputs; or a mark. */
  isNotable(record: number): boolean {
    return this.#index.flags[record] !== 0;
  }

  isGap(record: number): boolean {
    return (this.#index.flags[record]! & FLAG.gap) !== 0;
  }

  isAlert(record: number): boolean {
    return (this.#index.flags[record]! & FLAG.alert) !== 0;
  }

  isMark(record: number): boolean {
    return this.#index.flags[record] === FLAG.mark;
  }

  /** The first mark among the records from `from` up to, not including, `to`; `to` where there is none. */
  nextMark(from: number, to: number): number {
    const { flags } = this.#index;
    for (let at = from; at < to; at++) if (flags[at] === FLAG.mark) return at;
    return to;
  }

  /** The facts of a record. */
  factsOf(record: number): Facts | undefined {
    return this.#facts?.[record];
  }

  /** The first record from `from` up to, not including, `to` that still waits for hashes; `to` where none does. */
  nextPending(from: number, to: number): number {
    if (this.#facts === undefined) return to;
    for (let record = from; record < to; record++) if (this.#facts[record]?.pending !== undefined) return record;
    return to;
  }

  /** Settles when no record from `from` on waits for hashes; undefined when that record does not. */
  settled(from: number): Promise<unknown> | undefined {
    return this.#facts?.[from]?.pending === undefined ? undefined : this.settledIn(from, this.#records);
  }

  /** The same of records from `from` up to, not including, `to`; undefined when none waits. */
  settledIn(from: number, to: number): Promise<unknown> | undefined {
    const holds = new Set<Hold>();
    for (const facts of this.#facts?.slice(from, to) ?? []) if (facts?.pending !== undefined) holds.add(facts.pending);
    return holds.size === 0 ? undefined : Promise.all([...holds].map(({ over }) => over));
  }

  /** Bytes of the lines of records from `from` up to, not including, `to`. */
  bytesOf(from: number, to: number): number {
    return to === from ? 0 : this.endOf(to - 1) - this.startOf(from);
  }

  /** The last number among records from `from` up to, not including, `to`; NO_NUMBER where none has one. */
  lastNumberIn(from: number, to: number): number {
    let last = NO_NUMBER;
    for (let record = to - 1; record >= from && last === NO_NUMBER; record--) last = this.lastOf(record);
    return last;
  }

  /** The line of a record, without its newline. */
  lineOf(record: number): string {
    return this.#memory.toString('utf8', this.startOf(record), this.endOf(record) - 1);
  }

  /** Begins again from the front. Only while nobody reads it. */
  clear(): void {
    this.#records = 0;
    this.#bytes = 0;
    this.#facts = undefined;
    this.#factBytes = 0;
  }

  /**
   * Drops every record except alerts and gaps, and moves these to memory of their size. Only while nothing is lent.
   * @returns for each former record, and for the end, its index among the remaining ones
   */
  compact(): Uint16Array {
    const kept = new Uint16Array(this.#records + 1);
    let count = 0;
    let bytes = 0;
    for (let record = 0; record < this.#records; record++) {
      kept[record] = count;
      if (!this.isNotable(record)) continue;
      count++;
      bytes += this.bytesOf(record, record + 1);
    }
    kept[this.#records] = count;
    const memory = Buffer.allocUnsafeSlow(bytes);
    const index = newIndex(count);
    const before = this.#facts;
    this.#facts = undefined;
    this.#factBytes = 0;
    let at = 0;
    for (let record = 0; record < this.#records; record++) {
      if (!this.isNotable(record)) continue;
      const to = kept[record]!;
      const facts = before?.[record];
      if (facts !== undefined) {
        (this.#facts ??= [])[to] = facts;
        this.#factBytes += facts.bytes;
      }
      at += this.#memory.copy(memory, at, this.startOf(record), this.endOf(record));
      index.ends[to] = at;
      index.firsts[to] = this.firstOf(record);
      index.lasts[to] = this.lastOf(record);
      index.flags[to] = this.#index.flags[record]!;
    }
    this.#memory = memory;
    this.#index = index;
    this.#records = count;
    this.#bytes = bytes;
    this.compacted = true;
    return kept;
  }
}

/** An index of so many records, to be filled. */
export function newIndex(records: number): RecordIndex {
  return {
    ends: new Uint32Array(records),
    firsts: new Float64Array(records),
    lasts: new Float64Array(records),
    flags: new Uint8Array(records),
  };
}
