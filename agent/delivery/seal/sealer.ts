import { hash } from 'node:crypto';
import { itemAfter, NO_NUMBER, type Item } from '../../events/item.ts';
import type { Mark, SealFacts } from '../../events/mark.ts';
import type { SealEvent } from '../../events/seal.ts';
import { firstSeal, type SealState } from '../../events/seal-state.ts';

/** A line that goes out: its numbers and, of a gap, how many it stands for. */
export interface SealedLine {
  readonly first: number;
  readonly last: number;
  /** Undefined when it is no gap. */
  readonly gapCount: number | undefined;
  /** Whether the delivery itself made it, so that it may name numbers that were passed before. */
  readonly isMade: boolean;
}

/**
 * Counts the lines of one output's stream and makes its seals. A line is counted when it is put into a batch, so a
 * batch that is sent again is counted once.
 */
export class Sealer {
  #open: { -readonly [K in keyof SealState]: SealState[K] } | undefined;
  /** Where the seal after the one that was made begins, unless it goes on behind it. */
  #next: number | undefined;
  readonly #now: () => Date;
  readonly #onUnbalanced: (reason: string) => void;

  /**
   * @param state from an earlier run
   * @param onUnbalanced more was counted than there are numbers, which only a helper that repeats numbers can cause
   */
  constructor(
    state: SealState | undefined,
    onUnbalanced: (reason: string) => void,
    now: () => Date = () => new Date(),
  ) {
    this.#open = state && { ...state };
    this.#onUnbalanced = onUnbalanced;
    this.#now = now;
  }

  /** After everything that was counted. */
  get state(): SealState | undefined {
    return this.#open && { ...this.#open };
  }

  /** The number of the seal that covers the next line of a boot. A boot that is not the one before begins its own. */
  numberFor(bootId: string): number {
    if (this.#open?.boot_id !== bootId) this.#open = firstSeal(bootId);
    return this.#open!.seal;
  }

  /**
   * A gap as it goes out. The spool names a hole from the last number that a record had; what filters left out behind that may be
   * sealed already, and a gap is looked for within its seal.
   */
  clipped(gap: Item): Item {
    const from = this.#open?.from ?? NO_NUMBER;
    return gap.first < from ? (itemAfter(gap, from - 1) ?? gap) : gap;
  }

  /**
   * Counts a line of the boot of `numberFor`.
   * @param bytes without its newline
   * @returns its part of `sum`; undefined when the stream has it already
   */
  add(bytes: Uint8Array, { first, last, gapCount, isMade }: SealedLine): number | undefined {
    const open = this.#open!;
    const part = digest(bytes).readUInt32BE();
    if (last !== NO_NUMBER) {
      if (!isMade && last <= open.through) return undefined;
      open.from ??= first;
      open.through = Math.max(open.through, last);
      if (gapCount === undefined) open.sent++;
      else open.gap += gapCount;
    }
    open.lines++;
    open.sum += part;
    return part;
  }

  /** The receiver will not take the line of an event. A gap is going to name its number. */
  withdraw(part: number): void {
    const open = this.#open!;
    open.sent--;
    open.lines--;
    open.sum -= part;
  }

  /** A seal at a mark of the boot of `numberFor`; undefined when the stream is ahead of the mark. */
  sealAt({ time, reason, through, next, ...facts }: Mark): SealEvent | undefined {
    const open = this.#open!;
    this.#next = undefined;
    if (next === undefined) {
      if (through < open.through) return undefined;
      return this.#seal({ time, reason, ...facts }, open.from ?? through + 1, through);
    }
    const to = Math.max(through, open.through);
    // Nothing was skipped, or nothing came before.
    if (open.from === undefined || to + 1 >= next) return undefined;
    this.#next = next;
    return this.#seal({ time, reason, ...facts }, open.from, to);
  }

  /** The seal that a boot still lacks when a record of another boot is next; undefined when it lacks none. */
  sealBefore(bootId: string | undefined): SealEvent | undefined {
    const open = this.#open;
    if (open === undefined || bootId === undefined || bootId === open.boot_id || open.lines === 0) return undefined;
    const time = this.#now().toISOString();
    return this.#seal({ time, reason: 'boot' }, open.from ?? open.through + 1, open.through);
  }

  #seal(said: SealFacts & Pick<SealEvent, 'time' | 'reason'>, from: number, to: number): SealEvent {
    const { seal, sent, gap, lines, sum, prev } = this.#open!;
    const { time, reason, ...facts } = said;
    const numbers = to - from + 1;
    if (sent + gap > numbers)
      this.#onUnbalanced(`seal ${seal}: ${sent} events and ${gap} in gaps are more than the numbers ${from} to ${to}`);
    const inGaps = Math.min(gap, Math.max(0, numbers - sent));
    const inLines = Math.min(sent, numbers);
    return {
      type: 'seal',
      time,
      from,
      to,
      sent: inLines,
      filtered: numbers - inLines - inGaps,
      gap: inGaps,
      lines,
      sum,
      ...(prev === undefined ? {} : { prev }),
      reason,
      ...facts,
    };
  }

  /** The seal goes out as this line, without its newline: the next one is open. */
  sealed({ to }: SealEvent, bytes: Uint8Array): void {
    const { boot_id, seal, through } = this.#open!;
    const prev = digest(bytes).toString('hex');
    const from = this.#next ?? to + 1;
    this.#next = undefined;
    this.#open = { ...firstSeal(boot_id), seal: seal + 1, from, through: Math.max(through, from - 1), prev };
  }
}

function digest(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}
