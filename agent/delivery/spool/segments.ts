import type { SegmentFile } from './segment-file.ts';

/** The files of a spool, oldest first. */
export class Segments {
  #list: SegmentFile[];

  constructor(list: readonly SegmentFile[]) {
    this.#list = [...list];
  }

  get oldest(): SegmentFile | undefined {
    return this.#list[0];
  }

  get newest(): SegmentFile | undefined {
    return this.#list.at(-1);
  }

  get count(): number {
    return this.#list.length;
  }

  get bytes(): number {
    return this.#list.reduce((sum, { size }) => sum + size, 0);
  }

  add(segment: SegmentFile): void {
    this.#list.push(segment);
  }

  remove(segment: SegmentFile): void {
    this.#list = this.#list.filter((other) => other !== segment);
  }

  has(segment: SegmentFile): boolean {
    return this.#list.includes(segment);
  }

  /** The one that holds a record, if any does. */
  find(ordinal: number): SegmentFile | undefined {
    return this.#list.findLast(({ first }) => first <= ordinal) ?? this.oldest;
  }

  /** The one after it, also when it is gone itself. */
  after({ first }: SegmentFile): SegmentFile | undefined {
    return this.#list.find((other) => other.first > first);
  }
}
