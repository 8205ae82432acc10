import { NO_NUMBER } from '../../events/item.ts';

/**
 * A point in the spool's sequence of records, with what lies before it. All counts run from the beginning of the spool, so
 * the difference of two places is exactly what lies between them, whether or not it can still be read.
 */
export interface Place {
  /** The ordinal of the record that comes next: every record has one, dense, from 1. */
  readonly ordinal: number;
  /** The boot that `through` is of. */
  readonly bootId: string | undefined;
  /** Numbers of that boot up to this one are accounted for; NO_NUMBER before the first. */
  readonly through: number;
  /** Events that the records stand for: one, or those of a gap; none for a record without a number. */
  readonly events: number;
  /** The same for alerts and gaps alone. */
  readonly notable: number;
  /** How many of the records are alerts or gaps. */
  readonly notableRecords: number;
  /** Bytes of all lines. */
  readonly bytes: number;
  /** Bytes of the lines of alerts and gaps. */
  readonly notableBytes: number;
}

/** Where a new spool begins. */
export const BEGINNING: Place = {
  ordinal: 1,
  bootId: undefined,
  through: NO_NUMBER,
  events: 0,
  notable: 0,
  notableRecords: 0,
  bytes: 0,
  notableBytes: 0,
};

/** The part of a spool that belongs to one boot. The numbers of a boot that has ended are known as long as the spool keeps its name. */
export interface BootSpan {
  readonly bootId: string | undefined;
  /** The first number that the spool accounts for. */
  readonly from: number;
  /** The end of the boot's records; undefined while more come. */
  readonly end: Pick<Place, 'through' | 'events' | 'notable'> | undefined;
}

/** Numbers of one boot that cannot be read any more. */
export interface Lost {
  readonly bootId: string | undefined;
  readonly first: number;
  readonly last: number;
  /** How many events are lost among these numbers; filters left the others out. */
  readonly count: number;
}

/**
 * The numbers lost between two places, boot by boot.
 * @param boots of the spool, in order
 * @param alertsOnly whether only alerts and gaps count
 */
export function lostBetween(at: Place, to: Place, boots: readonly BootSpan[], alertsOnly: boolean): Lost[] {
  const counted = alertsOnly ? 'notable' : 'events';
  if (to[counted] <= at[counted]) return [];
  if (at.bootId === to.bootId) return [rangeOf(to.bootId, at, to, to[counted] - at[counted])];
  const lost: Lost[] = [];
  let before: Pick<Place, 'through' | 'events' | 'notable'> = at;
  const begin = at.bootId === undefined ? 0 : boots.findIndex(({ bootId }) => bootId === at.bootId);
  const end = boots.findLastIndex(({ bootId }) => bootId === to.bootId);
  for (const span of begin === -1 ? [] : boots.slice(begin, Math.max(begin, end))) {
    if (span.end === undefined) continue;
    const count = span.end[counted] - before[counted];
    const from = span.bootId === at.bootId ? at.through : span.from - 1;
    if (count > 0) lost.push(rangeOf(span.bootId, { through: from }, span.end, count));
    before = span.end;
  }
  const count = to[counted] - before[counted];
  const from = boots[end]?.from ?? to.through - count + 1;
  if (count > 0) lost.push(rangeOf(to.bootId, { through: from - 1 }, to, count));
  return lost;
}

function rangeOf(
  bootId: string | undefined,
  at: Pick<Place, 'through'>,
  to: Pick<Place, 'through'>,
  count: number,
): Lost {
  // Numbers that begin again within a boot can leave less room than there are events.
  const first = at.through + 1;
  return { bootId, first, last: Math.max(to.through, first + count - 1), count };
}
