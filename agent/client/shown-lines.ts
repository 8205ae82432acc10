/** Lines that are remembered, some 100 bytes each. After an interruption, more than these may be shown twice. */
const MAX_REMEMBERED = 20_000;

const NUMBER = /"seq":\d+|"first":\d+,"last":\d+/u;
const TIME = /"time":"[^"]*"/u;

/**
 * Tells lines that were shown before an interruption from those that are new: an agent that comes back holds some of both. By
 * number and time; a line without a number is always new.
 */
export class ShownLines {
  readonly #max: number;
  readonly #keys = new Set<string>();

  constructor(max: number = MAX_REMEMBERED) {
    this.#max = max;
  }

  /** Lines that are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  /** Those that were not shown yet; they count as shown from now on. */
  fresh(lines: readonly string[]): string[] {
    return lines.filter((line) => this.#isFresh(line));
  }

  #isFresh(line: string): boolean {
    const number = NUMBER.exec(line)?.[0];
    if (number === undefined) return true;
    const key = `${number} ${TIME.exec(line)?.[0] ?? ''}`;
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    if (this.#keys.size > this.#max) this.#keys.delete(this.#keys.values().next().value!);
    return true;
  }
}
