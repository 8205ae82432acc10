import { MIN_LINE_ROOM_BYTES } from '../limits.ts';

const NEWLINE = 10;

/** Bytes freed at once when the backlog is full, so that not every line has to free its own room. */
const FREE_STEP_BYTES = 64 * 1024;

/** Begin and end of the backlog: positions in the stream of all bytes ever appended. Part of the durable state. */
export interface BacklogBounds {
  /** Position of the oldest whole line. */
  tail: number;
  /** Position behind the newest line. */
  head: number;
}

/**
 * The newest lines, in a ring of bytes. It is the only queue of the pipe: a client is a position in it, and costs the
 * same however slow it is.
 */
export class Backlog {
  readonly #data: Buffer;
  readonly #bounds: BacklogBounds;
  readonly #beforeOverwrite: () => void;
  #leastBehind: () => number = () => 0;

  /**
   * @param data memory for the lines; its length is the capacity
   * @param bounds changed in place; the owner makes them durable
   * @param beforeOverwrite called after `tail` has moved and before old lines are overwritten
   */
  constructor(data: Buffer, bounds: BacklogBounds, beforeOverwrite: () => void) {
    this.#data = data;
    this.#bounds = bounds;
    this.#beforeOverwrite = beforeOverwrite;
  }

  get capacity(): number {
    return this.#data.length;
  }

  get head(): number {
    return this.#bounds.head;
  }

  get tail(): number {
    return this.#bounds.tail;
  }

  /**
   * Position of the oldest byte that is not overwritten: before `tail`, if a line has lost its beginning. A client that
   * has that beginning already can still get the rest.
   */
  get oldestByte(): number {
    return this.#bounds.head - this.capacity;
  }

  /** @param leastBehind bytes that the most advanced client does not have yet; 0 without clients */
  follow(leastBehind: () => number): void {
    this.#leastBehind = leastBehind;
  }

  /**
   * Whether even the most advanced client has half of the backlog still to read. Data that can wait elsewhere should
   * then wait. As long as it is not so, `roomForLine` is a quarter of the backlog and more.
   */
  get isCrowded(): boolean {
    return this.#leastBehind() > this.capacity / 2;
  }

  /**
   * The most bytes that the next line should have. As long as some client keeps up, long lines must not overtake it, so
   * their arguments are cut. The longest line may fill seven eighths if that client has nearly everything, and three
   * quarters of the backlog otherwise; the rest is for lines that cannot be cut.
   */
  get roomForLine(): number {
    const { capacity } = this;
    const behind = this.#leastBehind();
    if (behind === 0) return capacity;
    const share = behind < capacity / 8 ? 7 / 8 : 3 / 4;
    return Math.max(Math.min(MIN_LINE_ROOM_BYTES, capacity), Math.floor(capacity * share) - behind);
  }

  /**
   * Frees room for a line of `bytes`. Call it before changing anything that belongs to the line, since it may commit
   * the current state.
   * @throws {RangeError} when the line is larger than the whole backlog
   */
  makeRoom(bytes: number): void {
    const { capacity } = this;
    if (bytes > capacity) throw new RangeError(`a line of ${bytes} bytes does not fit a backlog of ${capacity}`);
    const bounds = this.#bounds;
    if (bounds.head + bytes - bounds.tail <= capacity) return;
    const target = Math.min(bounds.head, bounds.head + bytes - capacity + Math.min(FREE_STEP_BYTES, capacity >> 2));
    bounds.tail = target === bounds.head ? target : this.#lineAfter(target);
    this.#beforeOverwrite();
  }

  /** Appends a line, or a piece of one; together they end in a newline. There must be room for it. */
  append(piece: Buffer): void {
    const { capacity } = this;
    const at = this.#bounds.head % capacity;
    const first = Math.min(piece.length, capacity - at);
    piece.copy(this.#data, at, 0, first);
    if (first < piece.length) piece.copy(this.#data, 0, first);
    this.#bounds.head += piece.length;
  }

  /** The same of text with a character for each byte. */
  appendBytes(piece: string): void {
    const data = this.#data;
    const at = this.#bounds.head % data.length;
    if (at + piece.length > data.length) this.append(Buffer.from(piece, 'latin1'));
    else this.#bounds.head += data.latin1Write(piece, at, piece.length);
  }

  /**
   * Appends a line of text in place, and makes room for it, if its longest possible encoding does not reach the end of
   * the memory. Otherwise returns false and changes nothing.
   */
  appendText(line: string): boolean {
    // Every UTF-16 unit takes at most three bytes.
    const most = line.length * 3;
    const data = this.#data;
    const bounds = this.#bounds;
    const { head } = bounds;
    const at = head % data.length;
    if (at + most > data.length) return false;
    if (head + most - bounds.tail > data.length) this.makeRoom(most);
    bounds.head = head + data.utf8Write(line, at, most);
    return true;
  }

  /** The contiguous bytes from `position` on; empty at the head. Valid until the next `makeRoom`. */
  peek(position: number, limit: number): Buffer {
    const at = position % this.capacity;
    return this.#data.subarray(at, at + Math.min(this.#bounds.head - position, this.capacity - at, limit));
  }

  /** The oldest line, without its newline; undefined when there is none. */
  oldestLine(): Buffer | undefined {
    const { tail, head } = this.#bounds;
    if (tail === head) return undefined;
    const end = this.#lineAfter(tail + 1) - 1;
    const first = this.peek(tail, end - tail);
    return first.length === end - tail
      ? first
      : Buffer.concat([first, this.peek(tail + first.length, end - tail - first.length)]);
  }

  /** The position behind the first newline at or after `position - 1`. */
  #lineAfter(position: number): number {
    const { head } = this.#bounds;
    for (let from = position - 1; from < head;) {
      const piece = this.peek(from, head - from);
      const found = piece.indexOf(NEWLINE);
      if (found !== -1) return from + found + 1;
      from += piece.length;
    }
    return head;
  }
}
