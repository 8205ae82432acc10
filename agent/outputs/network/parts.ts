import { NO_NUMBER } from '../../events/item.ts';
import type { Batch, Outcome } from '../output.ts';
import { TAKEN } from '../output.ts';

/** Some records of a batch, side by side. */
export interface Part {
  /** Each with its newline. */
  readonly lines: Buffer;
  readonly records: number;
  readonly bootId: string | undefined;
  /** The lowest number; NO_NUMBER where none has one. */
  readonly first: number;
  readonly last: number;
  /** Where record `i` of the part ends in `lines`. */
  endOf(i: number): number;
}

/** The fate of a part. */
export type Verdict =
  | { readonly kind: 'taken' }
  /** All of it may be taken later. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** The receiver does not take it as it is: some record is to blame, or there are too many. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface PartsOptions {
  /** A part has at most so many bytes, unless it is a single record. Asked for each part. */
  maxBytes: () => number;
  /** One at a time, in order. */
  send: (part: Part) => Promise<Verdict>;
  /** A single record is refused for good; called before the next part is sent. */
  onRefused: (line: Buffer, reason: string) => Promise<void>;
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
    if (verdict.kind === 'retry') {
      // Settle the refused records first; the next attempt starts after them.
      if (refused.length > 0) return { kind: 'refused', reason: refusal, records: refused, through: from };
      const { reason, afterMs } = verdict;
      return { kind: 'retry', reason, taken: from, ...(afterMs === undefined ? {} : { afterMs }) };
    }
    if (verdict.kind === 'refused') {
      if (to - from > 1) {
        if (to < wanted) ends.push(to);
        ends.push(from + Math.floor((to - from) / 2));
        continue;
      }
      refused.push(from);
      refusal = verdict.reason;
      await onRefused(lines.subarray(startOf(from), batch.endOf(from)), refusal);
    }
    from = to;
    while (ends.length > 0 && ends.at(-1)! <= from) ends.pop();
  }
  return refused.length === 0 ? TAKEN : { kind: 'refused', reason: refusal, records: refused };
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
  };
}
