import type { Facts } from '../../events/facts.ts';
import { Item, NO_NUMBER } from '../../events/item.ts';
import type { Mark } from '../../events/mark.ts';
import type { Numbering } from '../../events/position.ts';
import { Cursor } from './cursor.ts';
import { FLAG, flagsOf, MemorySegment, SEGMENT_BYTES } from './memory-segment.ts';
import type { CursorOptions } from './reader.ts';

/** Spare segments to keep: under normal load, the same memory is reused forever. */
const MAX_SPARES = 4;

/** Memory for facts that outputs asked for, in bytes. Beyond it, events go without: lines never give way to facts. */
const MAX_FACT_BYTES = 64 * 1024 * 1024;

/** Memory of a segment and its index, to be used again. */
interface Spare {
  readonly memory: Buffer;
  readonly index: MemorySegment['index'];
}

/** Lines that lie side by side where they were received, and are not copied yet. */
interface Uncopied {
  memory: Buffer;
  start: number;
  end: number;
  /** Where they go in the segment that is being filled. */
  to: number;
}

/**
 * Everything on its way to the outputs, once, in the order of arrival. Each output is a cursor: a place in it. The log
 * keeps what the slowest cursor still needs, and the lag of a cursor is bounded; so its memory is the largest
 * lag allowed to one output, not the sum of them.
 *
 * Lines are copied once, neighbours together, from the memory that received them. An output that takes every line writes
 * pieces of a segment.
 */
export class Log {
  readonly #cursors = new Set<Cursor>();
  readonly #spares: Spare[] = [];
  #oldest: MemorySegment;
  #newest: MemorySegment;
  #numbering: Numbering | undefined;
  #uncopied: Uncopied | undefined;
  readonly #maxFactBytes: number;
  #factBytes = 0;
  /** Events that had to go without their facts, for lack of memory. */
  withoutFacts = 0;

  /** @param maxFactBytes fewer in tests alone */
  constructor(maxFactBytes = MAX_FACT_BYTES) {
    this.#maxFactBytes = maxFactBytes;
    this.#oldest = new MemorySegment(undefined, Buffer.allocUnsafeSlow(SEGMENT_BYTES));
    this.#newest = this.#oldest;
  }

  /** The segment that is being filled. */
  get newest(): MemorySegment {
    return this.#newest;
  }

  /** Bytes of memory that its segments take. */
  get memoryBytes(): number {
    let bytes = 0;
    for (let at: MemorySegment | undefined = this.#oldest; at !== undefined; at = at.next) bytes += at.memory.length;
    return bytes;
  }

  /** Memory of facts that outputs asked for, in bytes; at most 64 MiB. */
  get factBytes(): number {
    return this.#factBytes;
  }

  /** A place to read from, at the end of what is there now. The caller closes it. */
  open(options: CursorOptions): Cursor {
    const cursor = new Cursor(this, options, (done) => this.#settle(done));
    this.#cursors.add(cursor);
    if (this.#numbering !== undefined) cursor.begin(this.#numbering);
    return cursor;
  }

  /**
   * The records that follow have these numbers.
   * @returns the first number that any output lacks; undefined when one of them does not know, or there is none
   */
  begin(numbering: Numbering): number | undefined {
    if (numbering.bootId !== this.#numbering?.bootId) this.#start(numbering.bootId, SEGMENT_BYTES);
    this.#numbering = numbering;
    let due: number | undefined = Infinity;
    for (const cursor of this.#cursors) {
      const stored = cursor.begin(numbering);
      due = stored === undefined || due === undefined ? undefined : Math.min(due, stored + 1);
    }
    return due === Infinity ? undefined : due;
  }

  /** Releases segment memory after a borrower other than a cursor has returned it. */
  release(): void {
    this.#release();
  }

  /**
   * Takes a batch of items; keeps none of them. Never waits, never throws: an output that lags too far is overtaken.
   * @param through the number that the batch went up to: lower numbers without an item were dropped on purpose
   */
  append(items: readonly Item[], through: number = NO_NUMBER): void {
    if (this.#cursors.size > 0 && items.length > 0) this.#write(items);
    for (const cursor of this.#cursors) cursor.moved(through);
  }

  /** Puts a mark behind what came in. Outputs that seal get it, with what came before it. */
  mark(mark: Mark): void {
    if (this.#cursors.size === 0) return;
    this.#reuse();
    const memory = Buffer.from(`${JSON.stringify(mark)}\n`);
    this.#add(new Item(memory, 0, memory.length, NO_NUMBER, NO_NUMBER), memory.length, FLAG.mark);
    this.#copy();
    for (const cursor of this.#cursors) cursor.appended(1, memory.length);
    for (const cursor of this.#cursors) cursor.moved(NO_NUMBER);
  }

  #write(items: readonly Item[]): void {
    this.#reuse();
    let bytes = 0;
    let notableBytes = 0;
    let notable = 0;
    let ordinary = 0;
    for (const item of items) {
      const size = item.bytes;
      const flags = flagsOf(item);
      this.#add(item, size, flags);
      bytes += size;
      if (flags === 0) {
        if (item.last !== NO_NUMBER) ordinary++;
        continue;
      }
      notable++;
      notableBytes += size;
      if (item.gap !== undefined) for (const cursor of this.#cursors) cursor.missed(item.gap);
    }
    this.#copy();
    for (const cursor of this.#cursors) {
      if (cursor.alertsOnly) {
        cursor.leftOut(items, ordinary);
        cursor.appended(notable, notableBytes);
      } else cursor.appended(items.length, bytes);
    }
  }

  #add(item: Item, size: number, flags: number): void {
    if (!this.#newest.hasRoomFor(size)) {
      this.#copy();
      this.#start(this.#newest.bootId, Math.max(size, SEGMENT_BYTES));
    }
    const to = this.#newest.reserve(item, size, flags, this.#roomFor(item.facts));
    const before = this.#uncopied;
    if (before !== undefined && before.memory === item.memory && before.end === item.start) before.end = item.end;
    else {
      this.#copy();
      this.#uncopied = { memory: item.memory, start: item.start, end: item.end, to };
    }
  }

  /** The facts, where there is memory for them. */
  #roomFor(facts: Facts | undefined): Facts | undefined {
    if (facts === undefined) return undefined;
    if (this.#factBytes + facts.bytes > this.#maxFactBytes) {
      this.withoutFacts++;
      return undefined;
    }
    this.#factBytes += facts.bytes;
    return facts;
  }

  /** Copies the lines of this batch that are only in the index yet: their memory is read into again afterwards. */
  #copy(): void {
    const lines = this.#uncopied;
    if (lines === undefined) return;
    this.#uncopied = undefined;
    lines.memory.copy(this.#newest.memory, lines.to, lines.start, lines.end);
  }

  /** Begins again at the front of the newest segment when every cursor is at its end: no new memory is touched. */
  #reuse(): void {
    const newest = this.#newest;
    if (newest.records === 0 || newest.lent > 0) return;
    for (const cursor of this.#cursors) if (!cursor.isAtEnd) return;
    this.#factBytes -= newest.factBytes;
    newest.clear();
    for (const cursor of this.#cursors) cursor.rewind();
  }

  #start(bootId: string | undefined, bytes: number): void {
    const spare = bytes === SEGMENT_BYTES ? this.#spares.pop() : undefined;
    const memory = spare?.memory ?? Buffer.allocUnsafeSlow(bytes);
    const segment =
      spare === undefined ? new MemorySegment(bootId, memory) : new MemorySegment(bootId, memory, spare.index);
    this.#newest.next = segment;
    this.#newest = segment;
    this.#release();
  }

  #settle(done: Cursor | undefined): void {
    if (done !== undefined) this.#cursors.delete(done);
    this.#release();
  }

  /** Frees segments that no cursor needs. Where only alert outputs still have to read, keeps only their lines. */
  #release(): void {
    const everything = new Set<MemorySegment>();
    const alerts = new Set<MemorySegment>();
    for (const cursor of this.#cursors) (cursor.alertsOnly ? alerts : everything).add(cursor.segment);
    let before: MemorySegment | undefined;
    let neededWhole = false;
    let neededForAlerts = false;
    for (let at: MemorySegment | undefined = this.#oldest; at !== undefined; at = at.next) {
      neededWhole ||= everything.has(at);
      neededForAlerts ||= alerts.has(at);
      if (at === this.#newest || neededWhole || at.lent > 0) {
        before = at;
        continue;
      }
      if (neededForAlerts && !at.compacted) {
        this.#factBytes -= at.factBytes;
        const kept = at.compact();
        this.#factBytes += at.factBytes;
        for (const cursor of this.#cursors) if (cursor.segment === at) cursor.compacted(kept);
      }
      if (neededForAlerts && (at.records > 0 || alerts.has(at))) {
        before = at;
        continue;
      }
      this.#unlink(at, before);
    }
  }

  #unlink(segment: MemorySegment, before: MemorySegment | undefined): void {
    if (before === undefined) this.#oldest = segment.next!;
    else before.next = segment.next;
    const { memory, index } = segment;
    this.#factBytes -= segment.factBytes;
    if (memory.length === SEGMENT_BYTES && !segment.compacted && this.#spares.length < MAX_SPARES) {
      this.#spares.push({ memory, index });
    }
  }
}
