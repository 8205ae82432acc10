import type { ExecEvent, ExecFailedEvent } from '../shared/events/exec.ts';
import type { ExitEvent } from '../shared/events/exit.ts';
import type { GapEvent } from '../shared/events/gap.ts';
import type { UnknownEvent } from '../shared/events/parse.ts';

/** What reaches outputs. `hello` and `heartbeat` do not: they tell the agent about the helper. */
export type StreamEvent = ExecEvent | ExecFailedEvent | ExitEvent | GapEvent | UnknownEvent;

/** One event on its way to the outputs. Never changed after it was made: outputs share it. */
export interface Item {
  readonly event: StreamEvent;
  /** The line as it was received, without the newline: native outputs forward it without serialising again. */
  readonly line: string;
  /** Size of `line` in UTF-8. */
  readonly bytes: number;
}

/** An item for an event that was made here rather than received. */
export function itemOf(event: StreamEvent): Item {
  const line = JSON.stringify(event);
  return { event, line, bytes: Buffer.byteLength(line) };
}

/** The numbers `first` to `last` are not in the stream; `count` of them are accounted for by this event. */
export function gapItem(hop: string, first: number, last: number, count: number, cause: string, now: Date): Item {
  return itemOf({ type: 'gap', time: now.toISOString(), hop, first, last, count, cause });
}

/** Narrows to a gap: the type of an unknown event is an open string, so the compiler cannot. */
export function isGap(event: StreamEvent): event is GapEvent {
  return event.type === 'gap';
}

/** The event's place in the stream of its boot; undefined for a gap, a snapshot and types without one. */
export function seqOf(event: StreamEvent): number | undefined {
  const seq = (event as { seq?: unknown }).seq;
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
}
