import { BoundedLines } from '../child/lines.ts';
import { RESTART_MARK, type Decoder, type Findings } from '../child/decoder.ts';
import { MAX_MESSAGE_BYTES, MAX_NUMBER_JUMP } from '../../limits.ts';
import { numberOf, processOf } from './message.ts';

const MARK = RESTART_MARK.trim();

/**
 * Turns the output of `eslogger exec` into events: one message of JSON a line. Endpoint Security numbers the messages
 * of each client from 0, including those that it had to drop, so a jump is certainly a loss.
 */
export class EsloggerDecoder implements Decoder {
  counted = 0;
  missed = 0;
  unreadable = 0;
  limit: string | undefined;
  readonly #findings: Findings;
  readonly #lines: BoundedLines;
  readonly #variables: ReadonlySet<string>;
  #next = 0;
  /** Invalid lines since the last number; the hole in the numbers will show their events. */
  #broken = 0;

  /** @param variables the names of `--env` */
  constructor(findings: Findings, variables: readonly string[] = []) {
    this.#findings = findings;
    this.#variables = new Set(variables);
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
    // The number of the next message shows that this one is missing.
    if (message === undefined) this.#break();
    else this.#number(message);
  }

  #break(): void {
    this.unreadable++;
    this.#broken++;
  }

  #number(message: Readonly<Record<string, unknown>>): void {
    const number = numberOf(message);
    this.limit = number === undefined ? 'messages have no numbers: losses cannot be seen' : undefined;
    if (number !== undefined) {
      const missing = number - this.#next;
      if (missing > MAX_NUMBER_JUMP) {
        this.unreadable++;
        return;
      }
      // Numbers only rise, so the previous one was not valid. Continue from this one.
      if (missing < 0) this.unreadable++;
      const broken = Math.min(missing, this.#broken);
      this.#miss(missing - broken, 'ring_full');
      this.#miss(broken, 'unknown');
      this.#broken = 0;
      this.#next = number + 1;
    }
    const seen = processOf(message, this.#variables);
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

/** The object of a line; undefined if it is none. */
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
