import type { Writable } from 'node:stream';
import { FLAG } from '../delivery/log/memory-segment.ts';
import { missedLine, type MissedCause } from '../recent/missed.ts';
import type { Recent, RecentLine } from '../recent/recent.ts';
import { SEND_BYTES, STALLED_MS } from './limits.ts';
import type { Explanations } from './explanations.ts';
import type { Selection } from './selection.ts';

/** How many lines are looked at between two looks at the clock; where alerts are explained, each. */
const LINES_A_LOOK = 64;

/**
 * One reader of the newest events: its place among them, and its connection. Sends what it selects; where it reads too slowly or
 * wants fewer a second, a line says how many events it missed.
 */
export class EventStream {
  readonly #recent: Recent;
  readonly #selection: Selection;
  readonly #to: Writable;
  readonly #explanations: Pick<Explanations, 'addTo'>;
  #place: number;
  /** Where the lines begin that came in after this reader. */
  readonly #live: number;
  #missed = 0;
  #overRate = 0;
  /** Events that it may still have this second. */
  #allowance: number;
  #second = 0;
  #takenAt = performance.now();

  constructor(recent: Recent, selection: Selection, to: Writable, explanations: Pick<Explanations, 'addTo'>) {
    this.#explanations = explanations;
    this.#recent = recent;
    this.#selection = selection;
    this.#to = to;
    this.#live = recent.next;
    this.#place = selection.since === undefined ? recent.next : recent.first;
    this.#allowance = selection.rate ?? Infinity;
  }

  /** Whether it has taken nothing for so long that it is to be let go. */
  isStalled(now: number): boolean {
    // Behind its end nothing waits for room any more, although the reader may not have taken what was sent.
    return (this.#to.writableNeedDrain || this.#to.writableEnded) && now - this.#takenAt > STALLED_MS;
  }

  /** Whether everything was sent that it asked for. */
  get isDone(): boolean {
    return !this.#selection.follow && this.#place >= this.#live;
  }

  /**
   * Sends what it lacks, for some time at most.
   * @param until on the clock of `performance.now`
   * @returns whether there is more to look at now
   */
  pump(until: number, now: number = performance.now()): boolean {
    if (this.#to.writableNeedDrain || this.#to.writableEnded || this.#to.destroyed) return false;
    this.#takenAt = now;
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#allowance = this.#selection.rate ?? Infinity;
      this.#tell('rate');
    }
    const lines: Buffer[] = [];
    const end = this.#selection.follow ? this.#recent.next : this.#live;
    let bytes = 0;
    const linesALook = this.#selection.explain ? 1 : LINES_A_LOOK;
    for (let looked = 0; this.#place < end && bytes < SEND_BYTES; looked++) {
      if (looked % linesALook === linesALook - 1 && performance.now() > until) break;
      const { first } = this.#recent;
      if (this.#place < first) {
        this.#missed += first - this.#place;
        this.#place = first;
      }
      const line = this.#recent.at(this.#place++);
      if (line === undefined || !this.#isWanted(line)) continue;
      const found = line.memory.subarray(line.start, line.end);
      const isExplained = this.#selection.explain && (line.flags & FLAG.alert) !== 0;
      const shown = isExplained ? this.#explanations.addTo(found) : found;
      bytes += shown.length;
      lines.push(shown);
    }
    this.#tell('slow_reader');
    // Copied, because the connection may keep it for longer than the ring does.
    if (lines.length > 0) this.#to.write(Buffer.concat(lines));
    if (this.isDone) this.#tell('rate');
    return this.#place < end && !this.#to.writableNeedDrain;
  }

  #isWanted(line: RecentLine): boolean {
    const { since, wants, rate } = this.#selection;
    if (!wants(line)) return false;
    const isHeld = this.#place <= this.#live;
    if (since !== undefined && isHeld && isBefore(line, since)) return false;
    if (rate === undefined || isHeld || line.flags !== 0) return true;
    if (this.#allowance-- > 0) return true;
    this.#overRate++;
    return false;
  }

  /** Says what was missed for a cause since it was last said. */
  #tell(cause: Exclude<MissedCause, 'too_long'>): void {
    const count = cause === 'rate' ? this.#overRate : this.#missed;
    if (count === 0) return;
    this.#to.write(missedLine(count, cause).memory);
    if (cause === 'rate') this.#overRate = 0;
    else this.#missed = 0;
  }
}

/** Whether a line's own time is before an instant, Unix milliseconds. A line without a time is not. */
function isBefore({ memory, start, end }: RecentLine, instant: number): boolean {
  const { time } = JSON.parse(memory.toString('utf8', start, end)) as { time?: unknown };
  return typeof time === 'string' && Date.parse(time) < instant;
}
