import { BoundedLines } from '../child/lines.ts';
import { RESTART_MARK, type Decoder, type Findings } from '../child/decoder.ts';
import { MAX_MESSAGE_BYTES, MAX_NUMBER_JUMP } from '../../limits.ts';
import { numberOf, processOf } from './message.ts';

const MARK = RESTART_MARK.trim();

/**
 * The output of `eslogger exec` as events: JSON, a message a line. Endpoint Security
 * numbers the messages of each client from 0, the ones it had to drop included, so a
 * jump is a loss, at once and for sure.
 */
export class EsloggerDecoder implements Decoder {
  counted = 0;
  missed = 0;
  unreadable = 0;
  limit: string | undefined;
  readonly #findings: Findings;
  readonly #lines: BoundedLines;
  #next = 0;
  /** Lines since the last number that were none of eslogger's, and whose events will be missed. */
  #broken = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
    this.#lines = new BoundedLines(
      MAX_MESSAGE_BYTES,
      (line) => this.#take(line),
      () => this.#break(),
    );
  }

  push(bytes: Buffer): void {
    this.#lines.push(bytes);
  }

  complaint(): boolean {
    return false;
  }

  #take(line: Buffer): void {
    if (line.length === 0) return;
    const text = line.toString('utf8');
    if (text === MARK) {
      this.#next = 0;
      this.#broken = 0;
      this.#findings.restarted();
      return;
    }
    const message = parsed(text);
    // What is no message is missed by its number, when the next one comes.
    if (message === undefined) this.#break();
    else this.#number(message);
  }

  #break(): void {
    this.unreadable++;
    this.#broken++;
  }

  #number(message: Readonly<Record<string, unknown>>): void {
    const number = numberOf(message);
    this.limit = number === undefined ? 'messages have no numbers: losses are not seen' : undefined;
    if (number !== undefined) {
      const missing = number - this.#next;
      if (missing > MAX_NUMBER_JUMP) {
        this.unreadable++;
        return;
      }
      // Numbers only rise: what we took for one was not. From here on this one counts.
      if (missing < 0) this.unreadable++;
      const broken = Math.min(missing, this.#broken);
      this.#miss(missing - broken, 'ring_full');
      this.#miss(broken, 'unknown');
      this.#broken = 0;
      this.#next = number + 1;
    }
    const seen = processOf(message);
    if (seen === undefined) {
      this.unreadable++;
      if (number !== undefined) this.#miss(1, 'unknown');
      return;
    }
    this.counted++;
    this.#findings.process(seen);
  }

  #miss(count: number, cause: 'ring_full' | 'unknown'): void {
    if (count <= 0) return;
    this.counted += count;
    this.missed += count;
    this.#findings.missing(count, cause);
  }
}

/** A line's object; undefined when it is none. */
function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
