/** Pairs of hop and cause that are counted apart. There are some ten; helpers of later versions may bring more. */
const MAX_CAUSES = 64;

/** The longest word for a hop or a cause that is kept, in UTF-16 units. */
const MAX_WORD = 64;

const OTHER = 'other';

/** Numbers that gaps of the stream stand for, from one hop and for one cause. */
export interface Missed {
  readonly hop: string;
  readonly cause: string;
  count: number;
}

/**
 * The fate of the records for one output. Each number that the output lacks is counted once, when and where it was
 * lost; so the sum is the sum of `count` over the gaps that the output gets. A gap that is itself given up, and becomes
 * part of a larger one, is not counted again.
 */
export class OutputCounters {
  /** Records that the output took, gaps included. */
  taken = 0;
  /** Seals that the output took. */
  seals = 0;
  /** Attempts to send that failed. */
  retries = 0;
  /** Records that the receiver will never take, gaps included. */
  refused = 0;
  /** Of them, events with a number: a gap stands for each. */
  rejected = 0;
  /** Events with a number that were given up since the output lagged too far. */
  overtaken = 0;
  /** Events without a number that were given up or refused: no gap can name them. */
  unnumbered = 0;
  /** Events with a number that were left out since the output gets alerts only. */
  notAlerts = 0;
  readonly #missed = new Map<string, Missed>();

  /** Numbers that were lost before the outputs, by hop and cause. */
  get missedByCause(): Iterable<Missed> {
    return this.#missed.values();
  }

  /** A gap that is for the output came in. */
  missed(hop: string, cause: string, count: number): void {
    if (count === 0) return;
    const isWord = hop.length <= MAX_WORD && cause.length <= MAX_WORD;
    const key = isWord ? JSON.stringify([hop, cause]) : OTHER;
    const known = this.#missed.get(key);
    if (known !== undefined) known.count += count;
    else if (key === OTHER || this.#missed.size < MAX_CAUSES - 1)
      this.#missed.set(key, isWord ? { hop, cause, count } : { hop: OTHER, cause: OTHER, count });
    else this.missed(OTHER.padEnd(MAX_WORD + 1), OTHER, count);
  }
}
