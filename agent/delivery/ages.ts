/** Marks are at least this far apart, in milliseconds: an age is exact to that. */
const STEP_MS = 100;

const MAX_MARKS = 256;

/** Records up to, not including, the `end`th came in at this time or later. */
interface Mark {
  end: number;
  readonly at: number;
}

/**
 * When the records that wait came in, roughly and in little memory. An age is never too low. It is too high by a tenth of a
 * second at most or, where records wait for long, by a twentieth of that time.
 */
export class Ages {
  #marks: Mark[] = [];

  /** @param end how many records have come in by now; @param now milliseconds on a clock that never steps */
  cameIn(end: number, now: number): void {
    const last = this.#marks.at(-1);
    if (last === undefined) this.#marks.push({ end, at: now });
    else if (end > last.end) {
      if (now - last.at < STEP_MS) last.end = end;
      else this.#marks.push({ end, at: now });
    }
    if (this.#marks.length > MAX_MARKS) this.#thin();
  }

  /** Milliseconds since a record came in, counted from 0. Those before it are not asked for again. */
  ofRecord(record: number, now: number): number {
    this.passed(record);
    const [oldest] = this.#marks;
    return oldest === undefined ? 0 : now - oldest.at;
  }

  /** Records before this one do not wait any more. */
  passed(record: number): void {
    const from = this.#marks.findIndex(({ end }) => end > record);
    if (from !== 0) this.#marks = from === -1 ? [] : this.#marks.slice(from);
  }

  /** Joins neighbours: the time of the older counts for both. */
  #thin(): void {
    const { length } = this.#marks;
    this.#marks = this.#marks.flatMap(({ at }, i) =>
      i % 2 === 0 ? [{ at, end: this.#marks[Math.min(i + 1, length - 1)]!.end }] : [],
    );
  }
}
