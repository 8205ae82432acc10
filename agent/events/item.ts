import type { ClockEvent } from '../../shared/events/clock.ts';
import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import type { ExitEvent } from '../../shared/events/exit.ts';
import type { ForkEvent } from '../../shared/events/fork.ts';
import type { GapEvent } from '../../shared/events/gap.ts';
import type { Facts } from './facts.ts';
import type { SealEvent } from './seal.ts';
import type { UnknownEvent } from '../../shared/events/parse.ts';

/** The events that reach outputs. `hello` and `heartbeat` do not: they inform the agent about the helper. */
export type StreamEvent =
  ExecEvent | ExecFailedEvent | ForkEvent | ExitEvent | GapEvent | ClockEvent | SealEvent | UnknownEvent;

/** Stands in for the number of an event without one. */
export const NO_NUMBER = -1;

/** A loan of memory: after it ends, the memory is reused. */
export interface Lease {
  over: boolean;
}

/**
 * One event on its way to the outputs. Immutable, because outputs share it.
 *
 * It holds the event's numbers and its place in the memory that the helper's bytes were read into. Text and object are
 * made on demand: most events go from the socket to a file without either. Later reads reuse that memory, so an item is
 * valid only during the call that receives it. Keep `event` to keep the event.
 */
export class Item {
  /** Holds the line from `start` to `end`, its newline included, as UTF-8. */
  readonly memory: Buffer;
  readonly start: number;
  readonly end: number;
  /** The numbers of its boot that it covers: one, or the range of a gap. NO_NUMBER when it has none. */
  readonly first: number;
  readonly last: number;
  /** Whether rules matched it: the event then has `rules`. */
  readonly isAlert: boolean;
  /** Facts that outputs asked for; undefined where there are none. They are not in the line. */
  readonly facts: Facts | undefined;
  readonly #lease: Lease | undefined;
  #event: StreamEvent | undefined;

  /**
   * @param lease how long the memory holds the line; without it, forever
   * @param event the object of the line; omit it if the line was checked without parsing
   */
  constructor(
    memory: Buffer,
    start: number,
    end: number,
    first: number,
    last: number,
    lease?: Lease,
    event?: StreamEvent,
    isAlert = false,
    facts?: Facts,
  ) {
    this.memory = memory;
    this.start = start;
    this.end = end;
    this.first = first;
    this.last = last;
    this.isAlert = isAlert;
    this.facts = facts;
    this.#lease = lease;
    this.#event = event;
  }

  get event(): StreamEvent {
    return (this.#event ??= JSON.parse(this.line) as StreamEvent);
  }

  /** The same item with these facts. */
  with(facts: Facts | undefined): Item {
    if (facts === this.facts) return this;
    const { memory, start, end, first, last, isAlert } = this;
    return new Item(memory, start, end, first, last, this.#lease, this.#event, isAlert, facts);
  }

  /** The line as it was received, without its newline. */
  get line(): string {
    if (this.#lease?.over === true)
      throw new Error('an item was used after it had been handed over; keep its event instead');
    return this.memory.toString('utf8', this.start, this.end - 1);
  }

  /** Size of the line in UTF-8 bytes, including its newline. */
  get bytes(): number {
    return this.end - this.start;
  }

  /** The event, where it is a gap. Gaps always have their object, so this never parses. */
  get gap(): GapEvent | undefined {
    const event = this.#event;
    return event !== undefined && isGap(event) ? event : undefined;
  }
}

/** Makes an item for an event whose line lies in `memory`. */
export function itemAt(memory: Buffer, start: number, end: number, event: StreamEvent, lease?: Lease): Item {
  if (isGap(event)) return new Item(memory, start, end, event.first, event.last, lease, event);
  const seq = seqOf(event) ?? NO_NUMBER;
  return new Item(memory, start, end, seq, seq, lease, event);
}

/** Makes an item for an event that the agent created. */
export function itemOf(event: StreamEvent): Item {
  const memory = Buffer.from(`${JSON.stringify(event)}\n`);
  return itemAt(memory, 0, memory.length, event);
}

/** Makes an item for an event that rules matched, to replace the received one. */
export function alertOf(event: StreamEvent, { first, last }: Item): Item {
  const memory = Buffer.from(`${JSON.stringify(event)}\n`);
  return new Item(memory, 0, memory.length, first, last, undefined, event, true);
}

/**
 * Makes a gap for the numbers `first` to `last`, which are not in the stream; it accounts for `count` of them.
 * @param isUncounted whether nobody knows how many are missing
 */
export function gapItem(
  hop: string,
  first: number,
  last: number,
  count: number,
  cause: string,
  now: Date,
  isUncounted = false,
): Item {
  const gap: GapEvent = { type: 'gap', time: now.toISOString(), hop, first, last, count, cause };
  return itemOf(isUncounted ? { ...gap, uncounted: true } : gap);
}

/** Returns the part of `item` that covers numbers after `last`: all, nothing, or the rest of a gap. An item without a number is always new. */
export function itemAfter(item: Item, last: number): Item | undefined {
  if (item.first > last || item.last === NO_NUMBER) return item;
  const { gap } = item;
  if (gap === undefined || gap.last <= last) return undefined;
  return itemOf({ ...gap, first: last + 1, count: countAfter(gap, last) });
}

/** How many of the numbers that a gap stands for are missing after `last`. */
export function countAfter({ first, last: end, count }: GapEvent, last: number): number {
  return first > last ? count : Math.min(count, Math.max(0, end - last));
}

/** Narrows to a gap: the type of an unknown event is an open string, so the compiler cannot. */
function isGap(event: StreamEvent): event is GapEvent {
  return event.type === 'gap';
}

/** The event's place in the stream of its boot; undefined for a gap and for types without one. */
export function seqOf(event: StreamEvent): number | undefined {
  const seq = (event as { seq?: unknown }).seq;
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
}
