/** Marks are at least this far apart, in milliseconds: an age is exact to that. */
const STEP_MS = 100;

/** Joined marks cover a share of their age. */
const SHARE = 20;

/** Ages grow by a twentieth over two marks, so that 560 reach over a day, and 900 over ten years. */
const MAX_MARKS = 1024;

/** Records up to, not including, the `end`th came in at this time or later, the last of them at `until`. */
interface Mark {
  end: number;
  readonly at: number;
  until: number;
}

/**
 * When the records that wait came in, roughly and in little memory. An age is never too low. It is too high by a tenth of a
 * second and a twentieth of itself at most.
 */
export class Ages {
  #marks: Mark[] = [];

  /** @param end how many records have come in by now; @param now milliseconds on a clock that never steps */
  cameIn(end: number, now: number): void {
    const last = this.#marks.at(-1);
    if (last === undefined) this.#marks.push({ end, at: now, until: now });
    else if (end > last.end) {
      if (now - last.at < STEP_MS) {
        last.end = end;
        last.until = now;
      } else this.#marks.push({ end, at: now, until: now });
    }
    if (this.#marks.length > MAX_MARKS) this.#thin(now);
  }

  /** Marks that it remembers. */
  get size(): number {
    return this.#marks.length;
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

  /** Joins neighbours that are close together for their age: the time of the oldest counts for all of them. */
  #thin(now: number): void {
    const kept: Mark[] = [];
    for (const mark of this.#marks) {
      const last = kept.at(-1);
      if (last !== undefined && mark.until - last.at <= (now - mark.until) / SHARE) {
        last.end = mark.end;
        last.until = mark.until;
      } else kept.push(mark);
    }
    this.#marks = kept;
  }
}
