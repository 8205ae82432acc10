import type { GapEvent } from '../../../shared/events/gap.ts';
import { NO_NUMBER } from '../../events/item.ts';
import type { MemorySegment } from './memory-segment.ts';

/** Numbers that an output misses, except those that filters dropped. */
export interface Loss {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Events without a number: no gap can name them, only the log. */
  readonly unnumbered: number;
}

/** Records of one boot that were given up one after the other, and are to be named together. */
export class Overtaken {
  readonly bootId: string | undefined;
  #first = Number.MAX_SAFE_INTEGER;
  #last = NO_NUMBER;
  #count = 0;
  #unnumbered = 0;

  constructor(bootId: string | undefined) {
    this.bootId = bootId;
  }

  /** @param gap of a record that is one, or of the part of it that the output lacks */
  add(first: number, last: number, gap: Pick<GapEvent, 'first' | 'count'> | undefined): void {
    if (last === NO_NUMBER) {
      this.#unnumbered++;
      return;
    }
    this.#first = Math.min(this.#first, gap?.first ?? first);
    this.#last = Math.max(this.#last, last);
    this.#count += gap?.count ?? 1;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  get count(): number {
    return this.#count;
  }

  get loss(): Loss {
    return { first: this.#first, last: this.#last, count: this.#count, unnumbered: this.#unnumbered };
  }
}

export function gapIn(segment: MemorySegment, record: number): GapEvent {
  return JSON.parse(segment.lineOf(record)) as GapEvent;
}
