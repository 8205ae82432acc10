import { basename, join } from 'node:path';
import { rm } from 'node:fs/promises';
import { readCursor } from './cursor-file.ts';
import { inBoot } from './disk-reader.ts';
import { cursorPath, listCursors, quarantine } from './folder.ts';
import type { BootSpan, Place } from './place.ts';
import { FrameScanner } from './scanner.ts';
import { openFile, type SegmentFile, type SegmentHeader } from './segment-file.ts';
import type { SpoolState } from './state.ts';

/** The facts about a whole segment. */
interface Extent {
  header: SegmentHeader | undefined;
  /** The place before the first good frame. */
  first: Place | undefined;
  /** The place after the last. */
  last: Place | undefined;
  /** Where the last ends in the file. */
  end: number;
}

/**
 * Finds out where the spool ends, and cuts off what comes after its last whole frame: a write that a crash had interrupted, whose
 * events the helper still holds.
 * @returns the segment that ends there, and its boot; undefined when there is none
 */
export async function recover(
  state: SpoolState,
): Promise<{ segment: SegmentFile; bootId: string | undefined } | undefined> {
  const { segments } = state;
  let found: { segment: SegmentFile; extent: Extent } | undefined;
  while (segments.newest !== undefined && found === undefined) {
    const segment = segments.newest;
    const extent = await extentOf(state, segment);
    if (extent.last !== undefined) found = { segment, extent };
    await cutTail(state, segment, extent);
  }
  if (found !== undefined) {
    const { last, first, header } = found.extent;
    state.end = state.written = last!;
    state.boots = await bootsOf(state, found.segment, header, first!);
    state.droppedTo = header?.droppedTo ?? 0;
  }
  state.recoveredTo = state.end.ordinal;
  state.synced = state.end.ordinal;
  await goBeyondCursors(state, found === undefined);
  state.opened = state.written = state.end;
  return found && { segment: found.segment, bootId: found.extent.last!.bootId };
}

async function extentOf(state: SpoolState, segment: SegmentFile): Promise<Extent> {
  const extent: Extent = { header: undefined, first: undefined, last: undefined, end: 0 };
  const file = await openFile(segment.path);
  try {
    const scanner = new FrameScanner(file, { tag: state.tag, size: segment.size });
    extent.header = await scanner.header();
    for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
      if (found.kind === 'damage') continue;
      const { header, index, end } = found;
      extent.first ??= inBoot(header.before, index.bootId);
      extent.last = inBoot(header.after, index.bootId);
      extent.end = end;
    }
  } finally {
    await file.close();
  }
  return extent;
}

async function cutTail(state: SpoolState, segment: SegmentFile, { last, end }: Extent): Promise<void> {
  const { path, size } = segment;
  const bytes = size - end;
  if (bytes === 0 && last !== undefined) return;
  await quarantine(state.folder, path, `${basename(path, '.segment')}-${end}.bytes`, { offset: end, end: size });
  state.telemetry.raise('SpoolTailCut', { file: path, offset: end, bytes });
  if (last === undefined) {
    state.segments.remove(segment);
    await rm(path, { force: true });
    return;
  }
  const file = await openFile(path, true);
  try {
    await file.truncate(end);
    await file.datasync();
  } finally {
    await file.close();
  }
  segment.size = end;
}

/** The boots that the newest segment knows of; the one before it is asked when its header is damaged. */
async function bootsOf(
  state: SpoolState,
  segment: SegmentFile,
  header: SegmentHeader | undefined,
  first: Place,
): Promise<BootSpan[]> {
  if (header !== undefined) return [...header.boots];
  const { oldest } = state.segments;
  let earlier: SegmentFile | undefined;
  for (let at = oldest; at !== undefined && at !== segment; at = state.segments.after(at)) earlier = at;
  const own = { bootId: first.bootId, from: first.through + 1, end: undefined };
  if (earlier === undefined) return [own];
  const extent = await extentOf(state, earlier).catch(() => undefined);
  const boots = [...(extent?.header?.boots ?? [])];
  const [before, last] = [boots.at(-1), extent?.last];
  if (before === undefined || last === undefined) return [own];
  if (before.bootId === own.bootId) return boots;
  const { through, events, notable } = last;
  return [...boots.slice(0, -1), { ...before, end: { through, events, notable } }, own];
}

/**
 * New records get ordinals that no output remembers from before: a crash of the machine can take records whose place an
 * output has already passed, and what comes then must not be taken for them.
 */
async function goBeyondCursors(state: SpoolState, isEmpty: boolean): Promise<void> {
  for (const name of await listCursors(state.folder)) {
    const { state: cursor } = await readCursor(cursorPath(state.folder, name));
    if (cursor === undefined || cursor.spoolId !== state.id || cursor.place.ordinal <= state.end.ordinal) continue;
    if (isEmpty) {
      state.end = cursor.place;
      state.recoveredTo = cursor.place.ordinal;
      state.synced = cursor.place.ordinal;
    } else if (cursor.synced <= state.recoveredTo) {
      state.end = { ...state.end, ordinal: cursor.place.ordinal };
    }
  }
}

/** The outputs that have a place in the spool, and the ordinal that each needs: all where its place cannot be used. */
export async function placesOf({ folder, id, opened }: SpoolState): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  for (const name of await listCursors(folder)) {
    const { state: cursor } = await readCursor(cursorPath(folder, name));
    const isUsable = cursor?.spoolId === id && cursor.place.ordinal <= opened.ordinal;
    places.set(name, isUsable ? cursor.place.ordinal : 0);
  }
  return places;
}

/** Removes the places of outputs that there are no more: they must not keep anything, and are no places to come back to. */
export async function forgetOthers(state: SpoolState, names: ReadonlySet<string>): Promise<void> {
  for (const name of await listCursors(state.folder)) {
    if (names.has(name)) continue;
    await rm(join(state.folder, `${name}.cursor`), { force: true });
    state.telemetry.raise('SpoolCursorRemoved', { output: name });
  }
}
