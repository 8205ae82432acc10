import { reasonOf } from '../../errors.ts';
import { inBoot } from './disk-reader.ts';
import { BEGINNING, type BootSpan, type Lost, type Place } from './place.ts';
import { FrameScanner } from './scanner.ts';
import { openFile, type SegmentFile, type SegmentHeader } from './segment-file.ts';
import type { SpoolState } from './state.ts';

/** Where an output begins that has no place. */
export interface OldestPlace {
  readonly place: Place;
  /** Numbers among which records before that place are lost; nobody knows how many. */
  readonly uncounted: Lost | undefined;
}

/**
 * The place before the oldest record that the spool holds, whether or not it can be read: the segment's name or its header says it.
 * So what is damaged there is a hole like any other, with its exact count. Where neither says it, the place is that of the oldest
 * frame that can be read; what is missing before it is then uncounted, and where not even its boot is known, an event alone tells it.
 * @param otherwise the place where no frame can be read
 */
export async function oldestPlace(state: SpoolState, otherwise: Place): Promise<OldestPlace> {
  const { oldest } = state.segments;
  if (oldest === undefined) return { place: otherwise, uncounted: undefined };
  if (oldest.first === BEGINNING.ordinal) return { place: BEGINNING, uncounted: undefined };
  const own = await beginningOf(state, oldest);
  // A file that somebody gave the name of an earlier one says nothing of the records that were in that.
  if (own.header?.before !== undefined && own.header.before.ordinal <= oldest.first)
    return { place: inBoot(own.header.before, own.header.bootId), uncounted: undefined };
  let first = own.frame;
  for (let at = state.segments.after(oldest); at !== undefined && first === undefined; at = state.segments.after(at))
    first = (await beginningOf(state, at)).frame;
  const place = first ?? otherwise;
  if (place.ordinal <= oldest.first) return { place, uncounted: undefined };
  const uncounted = lostBefore(place, state.boots);
  const records = place.ordinal - oldest.first;
  const reason = `${own.problem ?? 'its first frames are damaged'}: ${records} records are lost, and ${uncounted === undefined ? 'nothing says of which boot' : 'how many events they were is not known'}`;
  state.telemetry.raiseRepeating('SpoolDamaged', `${oldest.path} oldest`, { file: oldest.path, offset: 0, reason });
  return { place, uncounted };
}

/** The numbers that are accounted for before a place, in its boot; in the boot before it where there are none. */
function lostBefore({ bootId, through }: Place, boots: readonly BootSpan[]): Lost | undefined {
  const at = boots.findLastIndex((span) => span.bootId === bootId);
  const span = boots[at];
  if (span === undefined) return undefined;
  if (span.from <= through) return { bootId, first: span.from, last: through, count: 1 };
  const before = boots[at - 1];
  if (before?.end === undefined || before.end.through < before.from) return undefined;
  return { bootId: before.bootId, first: before.from, last: before.end.through, count: 1 };
}

interface Beginning {
  /** Undefined where it is damaged, or of another spool. */
  readonly header: SegmentHeader | undefined;
  /** The place before its first whole frame. */
  readonly frame: Place | undefined;
  /** Why it cannot be read. */
  readonly problem?: string;
}

async function beginningOf({ id, tag }: SpoolState, { path, size }: SegmentFile): Promise<Beginning> {
  try {
    const file = await openFile(path);
    try {
      const scanner = new FrameScanner(file, { tag, size });
      const header = await scanner.header();
      for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
        if (found.kind === 'damage') continue;
        return {
          header: header?.spoolId === id ? header : undefined,
          frame: inBoot(found.header.before, found.index.bootId),
        };
      }
      return { header: header?.spoolId === id ? header : undefined, frame: undefined };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { header: undefined, frame: undefined, problem: `it cannot be read: ${reasonOf(error)}` };
  }
}
