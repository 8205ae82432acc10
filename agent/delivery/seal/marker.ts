import { NO_NUMBER } from '../../events/item.ts';
import type { SealFacts } from '../../events/mark.ts';
import type { Numbering } from '../../events/position.ts';
import type { SealReason } from '../../events/seal.ts';
import type { Log } from '../log/log.ts';

/** A mark comes after so many numbers at the latest. */
const NUMBERS = 4096;

/** And after so long, in milliseconds: where numbers came in, and where none did. */
const ACTIVE_MS = 60_000;
const IDLE_MS = 300_000;

export interface MarkerOptions {
  log: Pick<Log, 'mark'>;
  /** Helper, configuration and rules that are in force now. */
  facts: () => SealFacts;
  /** Whether any output seals: without one there are no marks. */
  isNeeded: () => boolean;
  /** Fewer in tests alone. */
  numbers?: number;
  now?: () => Date;
}

/** Puts marks into the log, at which outputs seal what came before. */
export class Marker {
  readonly #options: MarkerOptions;
  readonly #timer: NodeJS.Timeout;
  #bootId: string | undefined;
  /** Numbers up to this one came in; NO_NUMBER before the first. */
  #through = NO_NUMBER;
  /** `through` of the newest mark. */
  #marked = NO_NUMBER;
  /** When it was made, on the clock of `performance.now`. */
  #markedAt = performance.now();

  constructor(options: MarkerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.tick(performance.now()), ACTIVE_MS).unref();
  }

  /**
   * Events from now on have these numbers.
   * @param due the first that an output lacks, if that is known: those before it may be sealed by no mark yet
   */
  begin({ bootId, firstSeq }: Numbering, due?: number): void {
    if (bootId === this.#bootId) {
      if (firstSeq > this.#through + 1 && this.#through !== NO_NUMBER) this.#skipTo(firstSeq);
      return;
    }
    this.#bootId = bootId;
    this.#through = due === undefined ? NO_NUMBER : due - 1;
    this.#marked = NO_NUMBER;
    // Outputs that are ahead of it pass over it.
    this.#skipTo(firstSeq);
  }

  /** The probe was loaded anew: numbers go on from `next`. */
  #skipTo(next: number): void {
    this.#put('probe', next);
    if (next > this.#through + 1) this.#through = this.#marked = this.#through === NO_NUMBER ? NO_NUMBER : next - 1;
  }

  /** Numbers from `first` to `last` are in the log, or were left out of it. */
  passed(first: number, last: number): void {
    if (last === NO_NUMBER) return;
    // In a replay numbers come again, for outputs that lack them.
    if (this.#marked === NO_NUMBER || last < this.#marked) this.#marked = first - 1;
    this.#through = last;
    if (last - this.#marked >= (this.#options.numbers ?? NUMBERS)) this.mark('numbers');
  }

  /** Called by itself once a minute. */
  tick(nowMs: number): void {
    if (this.#through !== this.#marked) this.mark('time');
    else if (nowMs - this.#markedAt >= IDLE_MS - ACTIVE_MS / 2) this.mark('idle');
  }

  /** Puts a mark behind what came in. Makes none for a reload or an end when nothing came in since the last. */
  mark(reason: SealReason): void {
    if (this.#through === NO_NUMBER) return;
    if (this.#through === this.#marked && (reason === 'reload' || reason === 'stop')) return;
    this.#marked = this.#through;
    this.#put(reason);
  }

  #put(reason: SealReason, next?: number): void {
    const { log, facts, isNeeded, now } = this.#options;
    if (!isNeeded()) return;
    this.#markedAt = performance.now();
    const time = (now?.() ?? new Date()).toISOString();
    log.mark({ time, reason, through: this.#through, ...(next === undefined ? {} : { next }), ...facts() });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
