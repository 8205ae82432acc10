import type { Item } from '../events/item.ts';
import { flagsOf } from '../delivery/log/memory-segment.ts';
import { BLOCK_BYTES } from './limits.ts';
import { missedLine } from './missed.ts';

/** The most lines of a block: its index has a fixed size. */
const BLOCK_LINES = 2048;

/** Stands for a line that is too long to hold. */
const TOO_LONG = missedLine(1, 'too_long');

interface Block {
  /** The place of its first line. */
  readonly first: number;
  readonly memory: Buffer;
  /** Where each line ends, its newline included. */
  readonly ends: Uint32Array;
  readonly flags: Uint8Array;
  lines: number;
  bytes: number;
}

/** A line that is held. Valid during the call that gets it. */
export interface RecentLine {
  readonly memory: Buffer;
  readonly start: number;
  /** Its newline included. */
  readonly end: number;
  /** Of `FLAG`. */
  readonly flags: number;
}

/**
 * The newest lines that go to the outputs, for people who look: a ring of bounded size, in which every reader has a place of its own.
 * A reader costs nothing and holds nothing up. Where it is too slow, lines that it has not read are gone, and it is told how many.
 *
 * Places number lines from the agent's start on.
 */
export class Recent {
  #maxBytes: number;
  #heldBytes = 0;
  readonly #blocks: Block[] = [];
  #next = 0;

  /** @param maxBytes of memory for lines; 0 holds none */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The place of the oldest line that is held. */
  get first(): number {
    return this.#blocks[0]?.first ?? this.#next;
  }

  /** The place that the next line will have. */
  get next(): number {
    return this.#next;
  }

  /** Bytes of memory in use for lines. */
  get memoryBytes(): number {
    return this.#heldBytes;
  }

  set maxBytes(bytes: number) {
    this.#maxBytes = bytes;
    this.#makeRoom(0);
  }

  /** Copies the lines of a batch. */
  take(items: readonly Item[]): void {
    if (this.#maxBytes === 0) return;
    for (const item of items) {
      // A line as large as everything would push out all others.
      const isHeld = item.bytes <= this.#maxBytes / 4;
      this.#append(isHeld ? item : TOO_LONG, isHeld ? flagsOf(item) : 0);
    }
  }

  /** The line at a place; undefined when it is not held. */
  at(place: number): RecentLine | undefined {
    const block = this.#blocks.findLast(({ first }) => first <= place);
    if (block === undefined || place >= block.first + block.lines) return undefined;
    const line = place - block.first;
    return {
      memory: block.memory,
      start: line === 0 ? 0 : block.ends[line - 1]!,
      end: block.ends[line]!,
      flags: block.flags[line]!,
    };
  }

  #append({ memory, start, end }: Pick<Item, 'memory' | 'start' | 'end'>, flags: number): void {
    const block = this.#blockFor(end - start);
    memory.copy(block.memory, block.bytes, start, end);
    block.bytes += end - start;
    block.ends[block.lines] = block.bytes;
    block.flags[block.lines++] = flags;
    this.#next++;
  }

  #blockFor(bytes: number): Block {
    const newest = this.#blocks.at(-1);
    if (newest !== undefined && newest.lines < BLOCK_LINES && newest.memory.length - newest.bytes >= bytes)
      return newest;
    const size = Math.max(bytes, BLOCK_BYTES);
    const spare = this.#makeRoom(size);
    const memory = spare !== undefined && spare.length === size ? spare : Buffer.allocUnsafeSlow(size);
    const block: Block = {
      first: this.#next,
      memory,
      ends: new Uint32Array(BLOCK_LINES),
      flags: new Uint8Array(BLOCK_LINES),
      lines: 0,
      bytes: 0,
    };
    this.#blocks.push(block);
    this.#heldBytes += size;
    return block;
  }

  /** Lets the oldest lines go until so many bytes fit. @returns memory of one of them, to be used again */
  #makeRoom(bytes: number): Buffer | undefined {
    let spare: Buffer | undefined;
    while (this.#blocks.length > 0 && this.#heldBytes + bytes > this.#maxBytes) {
      const oldest = this.#blocks.shift()!;
      this.#heldBytes -= oldest.memory.length;
      spare = oldest.memory;
    }
    return spare;
  }
}
