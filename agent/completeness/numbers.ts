import { COST, type Budget } from './budget.ts';

/** Numbers in one block. */
const BLOCK_NUMBERS = 1024;
const WORDS = BLOCK_NUMBERS / 32;
const SLAB_BLOCKS = 4096;

/** The number of the block in which a number lies. */
const blockOf = (number: number): number => Math.floor(number / BLOCK_NUMBERS);

/** Bitmaps of `BLOCK_NUMBERS` bits each, made when they are needed and never freed. All sets of one run share them. */
export class Blocks {
  readonly #budget: Budget;
  readonly #slabs: Uint32Array[] = [];
  #used = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** A new empty block. @throws {TooMuchError} */
  add(): number {
    this.#budget.take(COST.block);
    if (this.#used % SLAB_BLOCKS === 0) this.#slabs.push(new Uint32Array(SLAB_BLOCKS * WORDS));
    return this.#used++;
  }

  /** Sets a bit. False if it was set. */
  set(block: number, bit: number): boolean {
    const slab = this.#slabs[Math.floor(block / SLAB_BLOCKS)]!;
    const word = (block % SLAB_BLOCKS) * WORDS + (bit >>> 5);
    const mask = 1 << (bit & 31);
    if ((slab[word]! & mask) !== 0) return false;
    slab[word]! |= mask;
    return true;
  }

  has(block: number, bit: number): boolean {
    const word = this.#slabs[Math.floor(block / SLAB_BLOCKS)]![(block % SLAB_BLOCKS) * WORDS + (bit >>> 5)]!;
    return (word & (1 << (bit & 31))) !== 0;
  }

  /** How many bits from `first` to `last` are set. */
  count(block: number, first: number, last: number): number {
    const slab = this.#slabs[Math.floor(block / SLAB_BLOCKS)]!;
    const start = (block % SLAB_BLOCKS) * WORDS;
    let count = 0;
    for (let word = first >>> 5; word <= last >>> 5; word++) {
      let bits = slab[start + word]!;
      if (word === first >>> 5) bits &= -1 << (first & 31);
      if (word === last >>> 5) bits &= -1 >>> (31 - (last & 31));
      count += ones(bits);
    }
    return count;
  }

  /** Sets in `into` all bits that `from` has. */
  merge(into: number, from: number): void {
    const slab = this.#slabs[Math.floor(into / SLAB_BLOCKS)]!;
    const start = (into % SLAB_BLOCKS) * WORDS;
    const other = this.#slabs[Math.floor(from / SLAB_BLOCKS)]!;
    const otherStart = (from % SLAB_BLOCKS) * WORDS;
    for (let word = 0; word < WORDS; word++) slab[start + word]! |= other[otherStart + word]!;
  }
}

/** How many bits of a word are set. */
function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The numbers under one seal. Usually few blocks, and the newest is asked for again and again. */
export class NumberSet {
  #key = -1;
  #block = 0;
  /** All blocks by their key, once there is more than one. */
  #blocks: Map<number, number> | undefined;

  /** False if the number was there. @throws {TooMuchError} */
  add(blocks: Blocks, number: number): boolean {
    const key = blockOf(number);
    if (key !== this.#key) this.#turnTo(blocks, key);
    return blocks.set(this.#block, number - key * BLOCK_NUMBERS);
  }

  #turnTo(blocks: Blocks, key: number): void {
    if (this.#key === -1) {
      this.#block = blocks.add();
    } else {
      this.#blocks ??= new Map([[this.#key, this.#block]]);
      let block = this.#blocks.get(key);
      if (block === undefined) this.#blocks.set(key, (block = blocks.add()));
      this.#block = block;
    }
    this.#key = key;
  }

  /** Each block with its key, in no order. */
  entries(): Iterable<readonly [key: number, block: number]> {
    if (this.#blocks !== undefined) return this.#blocks;
    return this.#key === -1 ? [] : [[this.#key, this.#block]];
  }

  /** How many of the numbers `from` to `to` are there. */
  count(blocks: Blocks, from: number, to: number): number {
    let count = 0;
    for (const [key, block] of this.entries()) count += countIn(blocks, key, block, from, to);
    return count;
  }

  /** Undefined if there is none. */
  smallest(blocks: Blocks): number | undefined {
    let smallest: readonly [number, number] | undefined;
    for (const entry of this.entries()) if (smallest === undefined || entry[0] < smallest[0]) smallest = entry;
    if (smallest === undefined) return undefined;
    let bit = 0;
    while (!blocks.has(smallest[1], bit)) bit++;
    return smallest[0] * BLOCK_NUMBERS + bit;
  }
}

function countIn(blocks: Blocks, key: number, block: number, from: number, to: number): number {
  const start = key * BLOCK_NUMBERS;
  const first = Math.max(from - start, 0);
  const last = Math.min(to - start, BLOCK_NUMBERS - 1);
  return first > last ? 0 : blocks.count(block, first, last);
}

/** First and last number of a range. */
export type Range = readonly [first: number, last: number];

/** All numbers of a stream, whatever seal they are under, in order. */
export class AllNumbers {
  readonly #blocks: Blocks;
  readonly #keys: number[] = [];
  readonly #ids: number[] = [];

  /** Joins sets. From here on a set may hold numbers of the others: count in them before. */
  constructor(blocks: Blocks, sets: Iterable<NumberSet>) {
    this.#blocks = blocks;
    const entries: Array<readonly [number, number]> = [];
    for (const set of sets) for (const entry of set.entries()) entries.push(entry);
    entries.sort(([a], [b]) => a - b);
    for (const [key, block] of entries) {
      if (this.#keys.at(-1) === key) {
        blocks.merge(this.#ids.at(-1)!, block);
      } else {
        this.#keys.push(key);
        this.#ids.push(block);
      }
    }
  }

  /** How many of the numbers `from` to `to` are there. */
  count(from: number, to: number): number {
    let count = 0;
    const end = blockOf(to);
    for (let i = this.#indexOf(blockOf(from)); i < this.#keys.length && this.#keys[i]! <= end; i++)
      count += countIn(this.#blocks, this.#keys[i]!, this.#ids[i]!, from, to);
    return count;
  }

  /** How many blocks of a range there are. */
  blocksIn(from: number, to: number): number {
    return Math.max(0, this.#indexOf(blockOf(to) + 1) - this.#indexOf(blockOf(from)));
  }

  /** The smallest number from `from` on; undefined if there is none. */
  next(from: number): number | undefined {
    for (let i = this.#indexOf(blockOf(from)); i < this.#keys.length; i++) {
      const start = this.#keys[i]! * BLOCK_NUMBERS;
      for (let bit = Math.max(from - start, 0); bit < BLOCK_NUMBERS; bit++)
        if (this.#blocks.has(this.#ids[i]!, bit)) return start + bit;
    }
    return undefined;
  }

  /** The largest number; undefined if there is none. */
  get last(): number | undefined {
    const block = this.#ids.at(-1);
    if (block === undefined) return undefined;
    let bit = BLOCK_NUMBERS - 1;
    while (!this.#blocks.has(block, bit)) bit--;
    return this.#keys.at(-1)! * BLOCK_NUMBERS + bit;
  }

  /** The ranges of `from` to `to` that are not there, in order, `most` at most. */
  missing(from: number, to: number, most: number): Range[] {
    const ranges: Range[] = [];
    let at = from;
    while (at <= to && ranges.length < most) {
      const held = this.next(at) ?? to + 1;
      if (held > at) ranges.push([at, Math.min(held - 1, to)]);
      at = held;
      while (at <= to && this.#has(at)) at++;
    }
    return ranges;
  }

  #has(number: number): boolean {
    const key = blockOf(number);
    const i = this.#indexOf(key);
    return this.#keys[i] === key && this.#blocks.has(this.#ids[i]!, number - key * BLOCK_NUMBERS);
  }

  /** Where the first block from `key` on lies. */
  #indexOf(key: number): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
