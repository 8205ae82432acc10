import { itemOf, type Item, type StreamEvent } from '../../../agent/events/item.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';

export const toItem = (event: object): Item => itemOf(event as StreamEvent);

export const exec = (seq: number): Item => toItem(execEvent(seq));
export const gap = (first: number, last: number, overrides = {}): Item => toItem(gapEvent(first, last, overrides));

/** A stream as `1 2 [3-5 pipe backlog_overrun] 6`: numbers of events, gaps in brackets. */
export function summary(items: readonly Item[]): string {
  return items
    .map(({ event }) => {
      const { type, seq, first, last, hop, cause, count } = event as Record<string, unknown>;
      if (type !== 'gap') return String(seq ?? type);
      const whole = count === (last as number) - (first as number) + 1 ? '' : ` count ${String(count)}`;
      return `[${String(first)}-${String(last)} ${String(hop)} ${String(cause)}${whole}]`;
    })
    .join(' ');
}
