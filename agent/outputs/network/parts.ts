import { NO_NUMBER } from '../../events/item.ts';
import type { Batch, Outcome } from '../output.ts';
import { TAKEN } from '../output.ts';

/** Some records of a batch, side by side: a smaller batch. */
export type Part = Batch;

/** A record that the receiver will never take. */
export interface RefusedRecord {
  /** Its place in the part, counted from 0. */
  readonly at: number;
  readonly reason: string;
  /** The receiver's answer about this record. Left out: its last reply. */
  readonly reply?: string;
}

/** The fate of a part. */
export type Verdict =
  | { readonly kind: 'taken' }
  /** All of it may be taken later. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** The receiver does not take it as it is: some record is to blame, or there are too many. */
  | { readonly kind: 'refused'; readonly reason: string }
  /**
   * The receiver said what becomes of each record. It has all of them except those in `refused` and, where there is `again`, except
   * some from there on: these are sent again, and the output itself knows which of them are settled.
   */
  | {
      readonly kind: 'judged';
      /** Before `again`, lowest place first. */
      readonly refused: readonly RefusedRecord[];
      readonly again?: {
        /** The place of the first record that is not settled. */
        readonly from: number;
        readonly reason: string;
        readonly afterMs?: number;
      };
    };

export interface PartsOptions {
  /** A part has at most so many bytes, unless it is a single record. Asked for each part. */
  maxBytes: () => number;
  /** One at a time, in order. */
  send: (part: Part) => Promise<Verdict>;
  /** A single record is refused for good; called before the next part is sent. */
  onRefused: (line: Buffer, reason: string, reply?: string) => Promise<void>;
}

/**
 * Sends a batch in parts, in order. A part that is refused is halved until the records to blame are found; for a batch of
 * `n` records these are at most `2n - 1` requests, and all others get through.
 */
export async function sendInParts(batch: Batch, { maxBytes, send, onRefused }: PartsOptions): Promise<Outcome> {
  const { lines } = batch;
  const startOf = (i: number): number => (i === 0 ? 0 : batch.endOf(i - 1));
  const refused: number[] = [];
  let refusal = '';
  /** Ends of parts that are still to be sent, the next one last. */
  const ends = [batch.records];
  let from = 0;
  while (from < batch.records) {
    const wanted = ends.at(-1)!;
    let to = wanted;
    const room = startOf(from) + maxBytes();
    if (batch.endOf(to - 1) > room) {
      to = from + 1;
      while (to < wanted && batch.endOf(to) <= room) to++;
    }
    const verdict = await send(partOf(batch, lines, from, to));
    batch.stillWorking();
    if (verdict.kind === 'retry') return untilLater(from, verdict);
    if (verdict.kind === 'judged') {
      for (const { at, reason, reply } of verdict.refused) await bury(from + at, reason, reply);
      if (verdict.again !== undefined) return untilLater(from + verdict.again.from, verdict.again);
    }
    if (verdict.kind === 'refused') {
      if (to - from > 1) {
        if (to < wanted) ends.push(to);
        ends.push(from + Math.floor((to - from) / 2));
        continue;
      }
      await bury(from, verdict.reason);
    }
    from = to;
    while (ends.length > 0 && ends.at(-1)! <= from) ends.pop();
  }
  return refused.length === 0 ? TAKEN : { kind: 'refused', reason: refusal, records: refused };

  async function bury(i: number, reason: string, reply?: string): Promise<void> {
    refused.push(i);
    refusal = reason;
    await onRefused(lines.subarray(startOf(i), batch.endOf(i)), reason, reply);
  }

  /** Records before `taken` are settled, the others are sent again. */
  function untilLater(taken: number, { reason, afterMs }: { reason: string; afterMs?: number }): Outcome {
    const again = { reason, ...(afterMs === undefined ? {} : { afterMs }) };
    return refused.length > 0
      ? { kind: 'refused', reason: refusal, records: refused, through: taken, again }
      : { kind: 'retry', taken, ...again };
  }
}

function partOf(batch: Batch, lines: Buffer, from: number, to: number): Part {
  const start = from === 0 ? 0 : batch.endOf(from - 1);
  let first = NO_NUMBER;
  let last = NO_NUMBER;
  for (let i = from; i < to; i++) {
    const numbers = batch.numbersOf(i);
    if (numbers.last === NO_NUMBER) continue;
    if (first === NO_NUMBER) first = numbers.first;
    last = numbers.last;
  }
  return {
    lines: lines.subarray(start, batch.endOf(to - 1)),
    records: to - from,
    bootId: batch.bootId,
    first,
    last,
    endOf: (i) => batch.endOf(from + i) - start,
    numbersOf: (i) => batch.numbersOf(from + i),
    isGap: (i) => batch.isGap(from + i),
    stillWorking: () => batch.stillWorking(),
  };
}
