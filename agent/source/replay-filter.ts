import type { ClockEvent } from '../../shared/events/clock.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';
import { gapItem, itemAfter, NO_NUMBER, type Item } from '../events/item.ts';

/** How a `hello` continues the numbers, in one word that the log uses too. */
export type Continuity = 'first' | 'resumed' | 'probe_reloaded' | 'boot_changed' | 'numbers_reused';

/** Counts of events that the filter removed, and of numbers that it filled with gaps. */
export interface ReplayCounts {
  /** Replayed events that were taken before. */
  duplicates: number;
  /** Events that came after a later one on the same connection. */
  outOfOrder: number;
  /** Numbers covered by the filter's own gaps. */
  missing: number;
}

/**
 * Turns the helper's stream, replays included, into one in which every
 * number of a boot occurs exactly once: in its event, or within a `gap`.
 *
 * Numbers on the pipe are dense and rise. So the filter keeps one number, the
 * next one due: a lower number was taken before, a higher one means that events
 * are missing. The filter reports a hole only when the next event arrives: until
 * then the helper can still send a gap of its own, which knows the cause.
 *
 * Pure: time is an argument, nothing is read or written.
 */
export class ReplayFilter {
  readonly #now: () => Date;
  readonly #onKnown: ((item: Item) => void) | undefined;
  #bootId: string | undefined;
  #firstSeq = 0;
  /** The number due next. */
  #next = 0;
  /** The newest number that the helper announced: everything up to it exists. */
  #promised = -1;
  /** The newest number on this connection. */
  #newestHere = -1;
  /** The newest `clock` line. */
  #clockLine = '';
  readonly #counts: ReplayCounts = { duplicates: 0, outOfOrder: 0, missing: 0 };

  /** @param onKnown gets each event that is removed because it was taken before */
  constructor(now: () => Date = () => new Date(), onKnown?: (item: Item) => void) {
    this.#now = now;
    this.#onKnown = onKnown;
  }

  get counts(): Readonly<ReplayCounts> {
    return this.#counts;
  }

  /**
   * Begins a connection. Appends to `out` a gap for events that the helper
   * announced before and can no longer send, because it lost its numbers.
   */
  begin(hello: HelloEvent, out: Item[]): Continuity {
    const continuity = this.#continuityOf(hello);
    if (continuity === 'boot_changed') this.#giveUpOn(this.#promised, continuity, out);
    if (continuity === 'probe_reloaded') this.#giveUpOn(Math.min(this.#promised, hello.first_seq - 1), continuity, out);
    if (continuity === 'resumed') {
      this.#promised = Math.max(this.#promised, hello.last_seq);
    } else {
      this.#next = hello.first_seq;
      this.#promised = hello.last_seq;
    }
    this.#bootId = hello.boot_id;
    this.#firstSeq = hello.first_seq;
    this.#newestHere = -1;
    return continuity;
  }

  #continuityOf(hello: HelloEvent): Continuity {
    if (this.#bootId === undefined) return 'first';
    if (this.#bootId !== hello.boot_id) return 'boot_changed';
    if (hello.first_seq > this.#next) return 'probe_reloaded';
    // A newly loaded probe continues after the last number. A probe that begins below it gives numbers twice, and
    // filtering its events by number would blind the agent.
    if (hello.first_seq !== this.#firstSeq && hello.first_seq < this.#next) return 'numbers_reused';
    return 'resumed';
  }

  /** Skips the events before `next`: every output has them, so they are neither new nor missing. */
  skipTo(next: number): void {
    if (next > this.#next) this.#next = next;
  }

  /** Takes the last number from a heartbeat. */
  promise(lastSeq: number): void {
    if (lastSeq > this.#promised) this.#promised = lastSeq;
  }

  /**
   * Appends the new part of `item` to `out`: nothing if it was taken before; a gap and
   * the item if numbers are missing before it; a shortened gap if part of a gap was taken.
   */
  take(item: Item, out: Item[]): void {
    if (item.last === NO_NUMBER) this.#takeUnnumbered(item, out);
    else if (item.gap !== undefined) this.#takeGap(item, out);
    else if (this.#consume(item.last, out)) out.push(item);
    else this.#onKnown?.(item);
  }

  /** A `clock` event has a fixed place in the backlog and is replayed from there; other events without a number are never replayed. */
  #takeUnnumbered(item: Item, out: Item[]): void {
    if (item.event.type === 'clock') {
      const { from_seq: before } = item.event as ClockEvent;
      // A `clock` event before the number due may be the last line received.
      const isKnown = before < this.#next || (before === this.#next && item.line === this.#clockLine);
      this.#clockLine = item.line;
      if (isKnown) {
        this.#counts.duplicates++;
        return;
      }
    }
    out.push(item);
  }

  /** Takes the number of an unreadable event, which becomes a gap of one. */
  takeUnreadable(seq: number, out: Item[]): void {
    if (this.#consume(seq, out)) this.#report(seq, seq, 'unreadable', out);
  }

  #consume(seq: number, out: Item[]): boolean {
    if (seq <= this.#newestHere) {
      this.#counts.outOfOrder++;
      return false;
    }
    this.#newestHere = seq;
    if (seq < this.#next) {
      this.#counts.duplicates++;
      return false;
    }
    if (seq > this.#next) this.#report(this.#next, seq - 1, 'backlog_overrun', out);
    this.#next = seq + 1;
    return true;
  }

  #takeGap(item: Item, out: Item[]): void {
    if (item.last > this.#newestHere) this.#newestHere = item.last;
    const fresh = itemAfter(item, this.#next - 1);
    if (fresh === undefined) {
      this.#counts.duplicates++;
      return;
    }
    if (item.first > this.#next) this.#report(this.#next, item.first - 1, 'backlog_overrun', out);
    this.#next = item.last + 1;
    out.push(fresh);
  }

  #giveUpOn(last: number, cause: string, out: Item[]): void {
    if (last >= this.#next) this.#report(this.#next, last, cause, out);
  }

  #report(first: number, last: number, cause: string, out: Item[]): void {
    this.#counts.missing += last - first + 1;
    out.push(gapItem('pipe', first, last, last - first + 1, cause, this.#now()));
  }
}
