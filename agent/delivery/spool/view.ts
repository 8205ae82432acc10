import type { GapEvent } from '../../../shared/events/gap.ts';
import { NO_NUMBER } from '../../events/item.ts';
import type { MemorySegment } from '../log/memory-segment.ts';
import type { Place } from './place.ts';

/** A frame whose lines are in memory: records of a segment from `from` up to, not including, `to`. */
export interface FrameView {
  readonly segment: MemorySegment;
  readonly from: number;
  readonly to: number;
  readonly before: Place;
  readonly after: Place;
}

/** The record of a frame that a place stands before. */
export function recordAt(view: FrameView, { ordinal }: Place): number {
  return view.from + ordinal - view.before.ordinal;
}

/** The place after records of a segment, when `at` is the place before them. */
export function placeAfter(at: Place, segment: MemorySegment, from: number, to: number): Place {
  let { through, events, notable, notableRecords, notableBytes } = at;
  for (let record = from; record < to; record++) {
    const last = segment.lastOf(record);
    const count = last === NO_NUMBER ? 0 : segment.isGap(record) ? countOf(segment, record) : 1;
    events += count;
    if (last !== NO_NUMBER) through = last;
    if (!segment.isNotable(record)) continue;
    notable += count;
    notableRecords++;
    notableBytes += segment.bytesOf(record, record + 1);
  }
  return {
    ordinal: at.ordinal + to - from,
    bootId: segment.bootId,
    through,
    events,
    notable,
    notableRecords,
    bytes: at.bytes + segment.bytesOf(from, to),
    notableBytes,
  };
}

function countOf(segment: MemorySegment, record: number): number {
  return (JSON.parse(segment.lineOf(record)) as GapEvent).count;
}
