import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';
import type { ClockEvent } from '../../shared/events/clock.ts';
import { microseconds, type Clock, type Moment } from './clock.ts';
import type { Backlog } from '../pipe/backlog.ts';
import type { LongLine } from './long-line.ts';
import type { HelperState } from './state.ts';

/** UTF-16 units of a line that is written straight into the backlog. Of a longer one, the most that it could take would free too much there. */
const DIRECT_UNITS = 8 * 1024;

/**
 * Makes the line of an event that got this number, newline included. `room` tells the
 * most bytes it may have; need not be asked for lines below MIN_LINE_ROOM_BYTES.
 */
export type LineBuilder<Line extends string | LongLine = string> = (seq: number, room: () => number) => Line;

/**
 * Numbers the events and puts them into the backlog. Clients see an
 * event only after the state is committed.
 */
export class EventStream {
  readonly #backlog: Backlog;
  readonly #state: HelperState;
  readonly #clock: Clock;
  /** The clock's, when it was put into the state last. */
  #epoch: Moment | undefined;
  readonly #room = (): number => Math.min(MAX_LINE_BYTES, this.#backlog.roomForLine);

  constructor(backlog: Backlog, state: HelperState, clock: Clock) {
    this.#backlog = backlog;
    this.#state = state;
    this.#clock = clock;
  }

  /** Bytes that the backlog holds. */
  get capacity(): number {
    return this.#backlog.capacity;
  }

  /** Whether clients need time to read. */
  get isCrowded(): boolean {
    return this.#backlog.isCrowded;
  }

  /** Appends one event under the next number. */
  event(build: LineBuilder<string | LongLine>): void {
    const seq = this.#state.lastSeq + 1;
    this.#append(build(seq, this.#room));
    this.#state.lastSeq = seq;
  }

  /**
   * Appends a gap in place of `count` events that are lost.
   * @param uncounted that nobody knows how many are lost: `count` is how many are sure to be, or 1
   */
  gap(hop: string, count: number, cause: string, uncounted = false): void {
    const first = this.#state.lastSeq + 1;
    const last = first + count - 1;
    const time = this.#clock.now();
    this.#append(
      `${JSON.stringify({ type: 'gap', time, hop, first, last, count, cause, ...(uncounted ? { uncounted } : {}) })}\n`,
    );
    this.#state.lastSeq = last;
  }

  /**
   * Follows the wall clock. If it was stepped, goes over to the new time and says so in the
   * stream, without a number: nothing happened that the kernel counts. Commits.
   */
  followClock(): void {
    const step = this.#clock.look();
    const { epoch } = this.#clock;
    if (epoch !== this.#epoch) this.#state.epoch = this.#epoch = epoch;
    if (step === undefined) return;
    const to = this.#clock.format(step.to);
    const event: ClockEvent = {
      type: 'clock',
      time: to,
      from: this.#clock.format(step.from),
      to,
      from_seq: this.#state.lastSeq + 1,
      ...(step.since === undefined ? {} : { since: microseconds(step.since) }),
    };
    this.#append(`${JSON.stringify(event)}\n`);
    this.#state.commit();
  }

  #append(line: string | LongLine): void {
    if (typeof line !== 'string') return this.#appendPieces(line);
    if (line.length <= DIRECT_UNITS && this.#backlog.appendText(line)) return;
    const bytes = Buffer.from(line);
    this.#backlog.makeRoom(bytes.length);
    this.#backlog.append(bytes);
  }

  #appendPieces({ bytes, pieces }: LongLine): void {
    const backlog = this.#backlog;
    backlog.makeRoom(bytes);
    for (const piece of pieces)
      if (typeof piece === 'string') backlog.appendBytes(piece);
      else backlog.append(piece);
  }
}
