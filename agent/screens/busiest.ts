/** Names that are counted apart; those beyond are counted together. */
export const MAX_NAMES = 10_000;

/** Intervals of the window. */
export const INTERVALS = 10;

/** A name, and how often it came. */
export interface Busy {
  readonly name: string;
  /** Within the window. */
  readonly count: number;
  /** By interval, the oldest first; the last one is not over. */
  readonly counts: readonly number[];
}

interface Tally {
  readonly counts: Uint32Array;
  total: number;
}

const newTally = (): Tally => ({ counts: new Uint32Array(INTERVALS), total: 0 });

/**
 * Counts names within a window that slides by intervals. Its memory is bounded: while there are as many names as it can tell apart,
 * further ones are counted as `others`, and get a place of their own when one has left the window.
 */
export class Busiest {
  readonly #max: number;
  readonly #tallies = new Map<string, Tally>();
  readonly #others = newTally();
  readonly #all = newTally();
  /** The interval that is counted now. */
  #now = 0;
  /** Intervals that have begun, up to those of the window. */
  #begun = 1;

  constructor(max: number = MAX_NAMES) {
    this.#max = max;
  }

  /** Names that are counted apart. */
  get size(): number {
    return this.#tallies.size;
  }

  /** Intervals that the window has seen, the one that is not over included. */
  get intervals(): number {
    return this.#begun;
  }

  /** All that came within the window. */
  get total(): number {
    return this.#all.total;
  }

  /** Those of them that are not told apart. */
  get others(): number {
    return this.#others.total;
  }

  count(name: string): void {
    this.#add(this.#all);
    let tally = this.#tallies.get(name);
    if (tally === undefined) {
      if (this.#tallies.size >= this.#max) return this.#add(this.#others);
      this.#tallies.set(name, (tally = newTally()));
    }
    this.#add(tally);
  }

  #add(tally: Tally): void {
    tally.counts[this.#now]!++;
    tally.total++;
  }

  /** Ends an interval; the oldest leaves the window. */
  tick(): void {
    this.#now = (this.#now + 1) % INTERVALS;
    this.#begun = Math.min(INTERVALS, this.#begun + 1);
    for (const [name, tally] of this.#tallies) {
      this.#forget(tally);
      if (tally.total === 0) this.#tallies.delete(name);
    }
    this.#forget(this.#others);
    this.#forget(this.#all);
  }

  #forget(tally: Tally): void {
    tally.total -= tally.counts[this.#now]!;
    tally.counts[this.#now] = 0;
  }

  /** The busiest, in order; of equals, the one whose name comes first. */
  top(most: number): Busy[] {
    return [...this.#tallies]
      .map(([name, tally]) => ({ name, tally }))
      .toSorted((a, b) => b.tally.total - a.tally.total || (a.name < b.name ? -1 : 1))
      .slice(0, most)
      .map(({ name, tally }) => ({ name, count: tally.total, counts: this.#inOrder(tally) }));
  }

  #inOrder({ counts }: Tally): number[] {
    return Array.from({ length: INTERVALS }, (_, i) => counts[(this.#now + 1 + i) % INTERVALS]!);
  }
}
