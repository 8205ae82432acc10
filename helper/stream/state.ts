import { DurableState } from './durable-state.ts';
import type { BacklogBounds } from '../pipe/backlog.ts';
import type { Moment } from './clock.ts';
import { MAX_CLIENTS } from '../limits.ts';

/** Raised when the numbers below change their meaning: a state of another shape is not taken over. */
const SHAPE = 1;

/** The pipe's counters, in the order of the state. */
const PIPE_COUNTS = ['accepted', 'refused', 'left', 'wrote', 'overtaken'] as const;

/** The externally visible state of the pipe. */
export interface PipeRecord {
  readonly counts: Readonly<Record<(typeof PIPE_COUNTS)[number], number>>;
  readonly peers: readonly { readonly pid: number; readonly uid?: number }[];
}

const TAIL = 0;
const HEAD = 1;
const FIRST_SEQ = 2;
const LAST_SEQ = 3;
const EPOCH_SECONDS = 4;
const EPOCH_NANOSECONDS = 5;
const REPEATED = 6;
const SKIPPED = 7;
const SKIPPED_EARLIER = 8;
const PIPE = 9;
const COUNTERS = PIPE + PIPE_COUNTS.length + 2 * MAX_CLIENTS;

/**
 * All that a successor of this process has to know to go on as if nothing had
 * happened. A counter is one of the kernel's event counters, (processor, kind).
 */
export class HelperState implements BacklogBounds {
  readonly #state: DurableState;
  /** Those of `#state`: read and written several times for each event. */
  readonly #values: Float64Array;
  readonly #counters: number;

  static bytesFor(counters: number): number {
    return DurableState.bytesFor(COUNTERS + 2 * counters);
  }

  constructor(memory: ArrayBuffer, counters: number) {
    this.#state = new DurableState(memory, COUNTERS + 2 * counters, SHAPE);
    this.#values = this.#state.values;
    this.#counters = counters;
  }

  /** Whether a predecessor left its state. */
  get restored(): boolean {
    return this.#state.restored;
  }

  /** Begins the numbering of a probe that was just loaded. */
  begin(firstSeq: number, epoch: Moment): void {
    const values = this.#values;
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
    return this.#values[TAIL] as number;
  }
  set tail(position: number) {
    this.#values[TAIL] = position;
  }

  get head(): number {
    return this.#values[HEAD] as number;
  }
  set head(position: number) {
    this.#values[HEAD] = position;
  }

  get firstSeq(): number {
    return this.#values[FIRST_SEQ] as number;
  }

  get lastSeq(): number {
    return this.#values[LAST_SEQ] as number;
  }
  set lastSeq(seq: number) {
    this.#values[LAST_SEQ] = seq;
  }

  /** The difference between wall clock and boot clock that events carry. */
  get epoch(): Moment {
    return { seconds: this.#values[EPOCH_SECONDS] as number, nanoseconds: this.#values[EPOCH_NANOSECONDS] as number };
  }

  set epoch({ seconds, nanoseconds }: Moment) {
    this.#values[EPOCH_SECONDS] = seconds;
    this.#values[EPOCH_NANOSECONDS] = nanoseconds;
  }

  /** Snapshot records that were not sent, because an exec event told of the same process. */
  get repeated(): number {
    return this.#values[REPEATED] as number;
  }
  set repeated(count: number) {
    this.#values[REPEATED] = count;
  }

  /** Events that were reported as lost because the kernel skipped the probe. */
  get skipped(): number {
    return this.#values[SKIPPED] as number;
  }
  set skipped(count: number) {
    this.#values[SKIPPED] = count;
  }

  /** To be added to what is counted now: the kernel counts for each loaded program, and that began later. */
  get skippedEarlier(): number {
    return this.#values[SKIPPED_EARLIER] as number;
  }
  set skippedEarlier(count: number) {
    this.#values[SKIPPED_EARLIER] = count;
  }

  /** Tells the audit what the pipe did; no part of what a successor takes over. */
  recordPipe({ counts, peers }: PipeRecord): void {
    const values = this.#values;
    PIPE_COUNTS.forEach((name, i) => (values[PIPE + i] = counts[name]));
    for (let i = 0; i < MAX_CLIENTS; i++) {
      const at = PIPE + PIPE_COUNTS.length + 2 * i;
      values[at] = peers[i]?.pid ?? 0;
      values[at + 1] = peers[i]?.uid ?? 0;
    }
  }

  /** The number that the next event of this counter will carry. */
  nextNumber(counter: number): number {
    return this.#values[COUNTERS + counter] as number;
  }
  setNextNumber(counter: number, number: number): void {
    this.#values[COUNTERS + counter] = number;
  }

  /** Events of this counter that were reported as lost. */
  lost(counter: number): number {
    return this.#values[COUNTERS + this.#counters + counter] as number;
  }
  setLost(counter: number, lost: number): void {
    this.#values[COUNTERS + this.#counters + counter] = lost;
  }
}

/** Reads numbering and pipe counters from a running helper's state; empty if the state is of another version. */
export function readState(memory: ArrayBuffer, counters: number): Record<string, unknown> {
  const values = DurableState.read(memory, COUNTERS + 2 * counters, SHAPE);
  if (values === undefined) return {};
  const at = (index: number): number => values[index] as number;
  const clients = Array.from({ length: MAX_CLIENTS }, (_, i) => PIPE + PIPE_COUNTS.length + 2 * i);
  return {
    first_seq: at(FIRST_SEQ),
    last_seq: at(LAST_SEQ),
    backlog_bytes: at(HEAD) - at(TAIL),
    clients: Object.fromEntries(PIPE_COUNTS.map((name, i) => [name, at(PIPE + i)])),
    connected: clients.filter((client) => at(client) !== 0).map((client) => ({ pid: at(client), uid: at(client + 1) })),
  };
}
