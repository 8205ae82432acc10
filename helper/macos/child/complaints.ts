import { COMPLAINTS_PER_MINUTE, MAX_COMPLAINT_BYTES } from '../../limits.ts';

const NEWLINE = 10;
const MINUTE_MS = 60_000;

/** Splits a child's standard error into lines, passes on a limited number a minute, and counts the rest. */
export class Complaints {
  readonly #understood: (line: string) => boolean;
  readonly #say: (text: string) => void;
  #rest = Buffer.alloc(0);
  #since = Number.NEGATIVE_INFINITY;
  #said = 0;
  #kept = 0;

  /** @param understood gets each line first; a line that it understands is not passed on */
  constructor(understood: (line: string) => boolean, say: (text: string) => void) {
    this.#understood = understood;
    this.#say = say;
  }

  push(bytes: Buffer, nowMs: number): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#line(Buffer.concat([this.#rest, bytes.subarray(start, end)]), nowMs);
      this.#rest = Buffer.alloc(0);
      start = end + 1;
    }
    // The first part of an endless line is enough.
    this.#rest = Buffer.concat([this.#rest, bytes.subarray(start, start + MAX_COMPLAINT_BYTES)]).subarray(
      0,
      MAX_COMPLAINT_BYTES,
    );
  }

  #line(bytes: Buffer, nowMs: number): void {
    const line = bytes.subarray(0, MAX_COMPLAINT_BYTES).toString('utf8').trim();
    if (line === '' || this.#understood(line)) return;
    if (nowMs - this.#since >= MINUTE_MS) {
      if (this.#kept > 0) this.#say(`${this.#kept} more lines were suppressed`);
      this.#since = nowMs;
      this.#said = 0;
      this.#kept = 0;
    }
    if (this.#said++ < COMPLAINTS_PER_MINUTE) this.#say(line);
    else this.#kept++;
  }
}
