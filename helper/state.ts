import { DurableState } from './durable-state.ts';
import type { BacklogBounds } from './pipe/backlog.ts';
import type { Moment } from './clock.ts';

/** Raised when the numbers below change their meaning: a state of another shape is not taken over. */
const SHAPE = 1;

const TAIL = 0;
const HEAD = 1;
const FIRST_SEQ = 2;
const LAST_SEQ = 3;
const EPOCH_SECONDS = 4;
const EPOCH_NANOSECONDS = 5;
const REPEATED = 6;
const SKIPPED = 7;
const SKIPPED_EARLIER = 8;
const COUNTERS = 9;

/**
 * All that a successor of this process has to know to go on as if nothing had
 * happened. A counter is one of the kernel's event counters, (processor, kind).
 */
export class HelperState implements BacklogBounds {
  readonly #state: DurableState;
  readonly #counters: number;

  static bytesFor(counters: number): number {
    return DurableState.bytesFor(COUNTERS + 2 * counters);
  }

  constructor(memory: ArrayBuffer, counters: number) {
    this.#state = new DurableState(memory, COUNTERS + 2 * counters, SHAPE);
    this.#counters = counters;
  }

  /** Whether a predecessor left its state. */
  get restored(): boolean {
    return this.#state.restored;
  }

  /** Begins the numbering of a probe that was just loaded. */
  begin(firstSeq: number, epoch: Moment): void {
    const { values } = this.#state;
    values[FIRST_SEQ] = firstSeq;
    values[LAST_SEQ] = firstSeq - 1;
    values[EPOCH_SECONDS] = epoch.seconds;
    values[EPOCH_NANOSECONDS] = epoch.nanoseconds;
    this.commit();
  }

  commit(): void {
    this.#state.commit();
  }

  get tail(): number {
    return this.#get(TAIL);
  }
  set tail(position: number) {
    this.#state.values[TAIL] = position;
  }

  get head(): number {
    return this.#get(HEAD);
  }
  set head(position: number) {
    this.#state.values[HEAD] = position;
  }

  get firstSeq(): number {
    return this.#get(FIRST_SEQ);
  }

  get lastSeq(): number {
    return this.#get(LAST_SEQ);
  }
  set lastSeq(seq: number) {
    this.#state.values[LAST_SEQ] = seq;
  }

  get epoch(): Moment {
    return { seconds: this.#get(EPOCH_SECONDS), nanoseconds: this.#get(EPOCH_NANOSECONDS) };
  }

  /** Snapshot records that were not sent, because an exec event told of the same process. */
  get repeated(): number {
    return this.#get(REPEATED);
  }
  set repeated(count: number) {
    this.#state.values[REPEATED] = count;
  }

  /** Events that were reported as lost because the kernel skipped the probe. */
  get skipped(): number {
    return this.#get(SKIPPED);
  }
  set skipped(count: number) {
    this.#state.values[SKIPPED] = count;
  }

  /** Of those, by programs that are not loaded any more: the kernel counts for each loaded program. */
  get skippedEarlier(): number {
    return this.#get(SKIPPED_EARLIER);
  }
  set skippedEarlier(count: number) {
    this.#state.values[SKIPPED_EARLIER] = count;
  }

  /** The number that the next event of this counter will carry. */
  nextNumber(counter: number): number {
    return this.#get(COUNTERS + counter);
  }
  setNextNumber(counter: number, number: number): void {
    this.#state.values[COUNTERS + counter] = number;
  }

  /** Events of this counter that were reported as lost. */
  lost(counter: number): number {
    return this.#get(COUNTERS + this.#counters + counter);
  }
  setLost(counter: number, lost: number): void {
    this.#state.values[COUNTERS + this.#counters + counter] = lost;
  }

  #get(index: number): number {
    return this.#state.values[index] as number;
  }
}
