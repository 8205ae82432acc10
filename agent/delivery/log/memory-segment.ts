import { NO_NUMBER, type Item } from '../../events/item.ts';

const NEWLINE = 10;

/**
 * What one write holds at most, but for a longer line: enough for few system calls, not so much that memory jumps. There is one
 * write in each turn of the event loop, and it must outpace the reads, of which there is one as well (256 KiB).
 */
const SEGMENT_BYTES = 1024 * 1024;

/** Segments that are kept for later: with an ordinary load, the same memory is used for ever. */
const MAX_SPARES = 4;

/** Lines that lie side by side, ready to be written in one piece. */
interface Segment {
  readonly memory: Buffer;
  readonly bootId: string | undefined;
  /** What is taken lies before, what is free behind. */
  start: number;
  end: number;
  records: number;
  /** The lowest number among its lines; NO_NUMBER while none has one. */
  first: number;
}

/** What is to be written next. Its memory is good until it is dropped. */
export interface Batch {
  readonly lines: Buffer;
  readonly records: number;
  readonly bootId: string | undefined;
  /** The number of its first line that has one, else NO_NUMBER. */
  readonly first: number;
}

/**
 * A queue of lines, as bytes. They are copied here once, neighbours together,
 * so that a queue holds nothing but its own lines, its memory is what it says, and writing is handing over a piece.
 */
export class RecordQueue {
  #segments: Segment[] = [];
  readonly #spares: Buffer[] = [];
  #bootId: string | undefined;
  #bytes = 0;
  #records = 0;
  /** Lines that lie side by side where they were received, and are not copied yet. */
  #run: { memory: Buffer; start: number; end: number } | undefined;

  /** Bytes queued, those being written included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Lines queued, those being written included. */
  get records(): number {
    return this.#records;
  }

  /** What is added from now on is of this boot, and never in one piece with what is not. */
  begin(bootId: string): void {
    this.settle();
    this.#bootId = bootId;
  }

  /** Adds the line of an item. Not there to be written until `settle`. */
  add(item: Item): void {
    const { memory, start, end } = item;
    const size = end - start;
    const waiting = this.#run === undefined ? 0 : this.#run.end - this.#run.start;
    const segment = this.#roomFor(size, waiting);
    const run = this.#run;
    if (run !== undefined && run.memory === memory && run.end === start) run.end = end;
    else {
      this.#copyRun();
      this.#run = { memory, start, end };
    }
    this.#count(segment, size, item.first);
  }

  /** Adds a line of text, given without its newline. */
  addText(text: string, first: number): void {
    this.settle();
    const size = Buffer.byteLength(text) + 1;
    const segment = this.#roomFor(size, 0);
    segment.memory.write(text, segment.end);
    segment.memory[segment.end + size - 1] = NEWLINE;
    segment.end += size;
    this.#count(segment, size, first);
  }

  #count(segment: Segment, size: number, first: number): void {
    segment.records++;
    if (segment.first === NO_NUMBER) segment.first = first;
    this.#records++;
    this.#bytes += size;
  }

  /** Copies what was added: needed before the memory that it was received in is given up, and before it is written. */
  settle(): void {
    this.#copyRun();
  }

  #copyRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    const segment = this.#segments.at(-1)!;
    segment.end += run.memory.copy(segment.memory, segment.end, run.start, run.end);
  }

  /** The segment that a line of `size` goes to, behind the `waiting` bytes that are not copied yet. */
  #roomFor(size: number, waiting: number): Segment {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.bootId === this.#bootId && last.memory.length - last.end >= waiting + size)
      return last;
    this.#copyRun();
    const memory =
      (size <= SEGMENT_BYTES ? this.#spares.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(SEGMENT_BYTES, size));
    const segment: Segment = { memory, bootId: this.#bootId, start: 0, end: 0, records: 0, first: NO_NUMBER };
    this.#segments.push(segment);
    return segment;
  }

  /** The oldest lines; undefined when there are none. What is added later does not become part of it. */
  head(): Batch | undefined {
    this.settle();
    const segment = this.#segments[0];
    if (segment === undefined) return undefined;
    const { memory, start, end, records, bootId, first } = segment;
    return { lines: memory.subarray(start, end), records, bootId, first };
  }

  /** Forgets a whole batch, which was written. */
  drop({ lines, records }: Batch): void {
    this.#forget(lines.length, records);
  }

  /** Forgets the first lines of a batch, `bytes` of them. */
  dropPart({ lines }: Batch, bytes: number): void {
    let records = 0;
    for (let at = lines.indexOf(NEWLINE); at !== -1 && at < bytes; at = lines.indexOf(NEWLINE, at + 1)) records++;
    this.#forget(bytes, records);
  }

  #forget(bytes: number, records: number): void {
    this.settle();
    const segment = this.#segments[0];
    if (segment === undefined) return;
    this.#bytes -= bytes;
    this.#records -= records;
    segment.start += bytes;
    segment.records -= records;
    if (segment.start < segment.end) return;
    this.#segments.shift();
    if (segment.memory.length === SEGMENT_BYTES && this.#spares.length < MAX_SPARES) this.#spares.push(segment.memory);
  }
}
