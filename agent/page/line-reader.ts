/** The longest line that is read, in UTF-16 units; the agent's own bound is 16 MiB. */
const MAX_LINE_LENGTH = 17 * 1024 * 1024;

/** Cuts text that comes in pieces into lines. A line beyond the bound is left out. */
export class LineReader {
  #rest = '';
  #skips = false;
  readonly #max: number;

  /** @param max smaller only in tests */
  constructor(max: number = MAX_LINE_LENGTH) {
    this.#max = max;
  }

  /** @returns the lines that are whole now, without their newlines */
  push(piece: string): string[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop()!;
    if (this.#skips && lines.length > 0) {
      lines.shift();
      this.#skips = false;
    }
    if (this.#rest.length > this.#max) {
      this.#rest = '';
      this.#skips = true;
    }
    return lines;
  }
}
