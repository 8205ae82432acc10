import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { NO_NUMBER } from '../../events/item.ts';
import { reasonOf } from '../../errors.ts';
import { readCursor } from './cursor-file.ts';
import { inBoot } from './disk-reader.ts';
import { checkFolder, cursorPath, identify, listCursors, listSegments } from './folder.ts';
import { isLocked } from './lock.ts';
import type { Place } from './place.ts';
import { FrameScanner, type Damage } from './scanner.ts';
import { openFile, SPOOL_VERSION, type SegmentFile } from './segment-file.ts';

/** A number of a boot. */
interface NumberIn {
  boot_id: string | undefined;
  number: number;
}

export interface SegmentReport {
  file: string;
  bytes: number;
  /** The first number that it accounts for. */
  first: NumberIn | undefined;
  /** The last; only where the whole segment was read. */
  last: NumberIn | undefined;
  records: number | undefined;
  damages: Array<{ offset: number; bytes: number; reason: string }>;
}

export interface OutputReport {
  name: string;
  /** Everything up to here is delivered. */
  delivered: NumberIn | undefined;
  lag_records: number | undefined;
  lag_bytes: number | undefined;
  /** Why its place cannot be used. */
  problem: string | undefined;
}

export interface SpoolReport {
  folder: string;
  version: number;
  id: string;
  /** Whether an agent uses it now. */
  in_use: boolean;
  bytes: number;
  oldest: NumberIn | undefined;
  newest: NumberIn | undefined;
  segments: SegmentReport[];
  outputs: OutputReport[];
  problem: string | undefined;
}

/**
 * Looks at a spool, also one that an agent uses now. Changes nothing.
 * @param verify whether to read every frame, and not only what tells where segments begin and the spool ends
 * @throws {SpoolError} when it cannot be used
 */
export async function inspectSpool(folder: string, verify: boolean): Promise<SpoolReport> {
  // Root may look at the spool of the agent's user.
  const own = process.geteuid?.();
  const uid = await checkFolder(folder, own === 0 ? undefined : own);
  const files = await listSegments(folder);
  const { id, problem } = await identify(folder, files, uid);
  const tag = crc32(id);
  const segments: SegmentReport[] = [];
  let end: Place | undefined;
  for (const file of files) {
    const { report, last } = await inspectSegment(file, tag, uid, verify || file === files.at(-1));
    segments.push(report);
    end = last ?? end;
  }
  const outputs: OutputReport[] = [];
  for (const name of await listCursors(folder)) outputs.push(await inspectCursor(folder, name, id, end, uid));
  return {
    folder,
    version: SPOOL_VERSION,
    id,
    in_use: await isLocked(folder),
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    oldest: segments.find(({ first }) => first !== undefined)?.first,
    newest: end === undefined ? undefined : numberOf(end, end.through),
    segments,
    outputs,
    problem: problem === undefined ? undefined : `spool.json: ${problem}`,
  };
}

async function inspectSegment(
  { path, size }: SegmentFile,
  tag: number,
  uid: number | undefined,
  whole: boolean,
): Promise<{ report: SegmentReport; last: Place | undefined }> {
  const report: SegmentReport = {
    file: basename(path),
    bytes: size,
    first: undefined,
    last: undefined,
    records: whole ? 0 : undefined,
    damages: [],
  };
  let last: Place | undefined;
  const add = ({ offset, end, reason }: Omit<Damage, 'kind'>): void =>
    void report.damages.push({ offset, bytes: end - offset, reason });
  try {
    const file = await openFile(path, false, uid);
    try {
      const scanner = new FrameScanner(file, { tag, size });
      await scanner.header();
      for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
        if (found.kind === 'damage') {
          add(found);
          continue;
        }
        const { before, after, records } = found.header;
        report.first ??= numberOf(inBoot(before, found.index.bootId), before.through + 1);
        if (!whole) break;
        report.records! += records;
        last = inBoot(after, found.index.bootId);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    // An agent removes what is delivered while we look.
    if (await isThere(path)) add({ offset: 0, end: 0, reason: reasonOf(error) });
  }
  if (last !== undefined) report.last = numberOf(last, last.through);
  return { report, last };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function numberOf({ bootId }: Place, number: number): NumberIn | undefined {
  return number === NO_NUMBER ? undefined : { boot_id: bootId, number };
}

async function inspectCursor(
  folder: string,
  name: string,
  id: string,
  end: Place | undefined,
  uid: number | undefined,
): Promise<OutputReport> {
  const { state, problem } = await readCursor(cursorPath(folder, name), uid);
  const isOther = state !== undefined && state.spoolId !== id;
  const place = isOther ? undefined : state?.place;
  const lag = (field: 'ordinal' | 'bytes'): number | undefined =>
    place === undefined || end === undefined ? undefined : Math.max(0, end[field] - place[field]);
  return {
    name,
    delivered: place && numberOf(place, place.through),
    lag_records: lag('ordinal'),
    lag_bytes: lag('bytes'),
    problem: isOther ? 'it is a place in another spool' : problem,
  };
}
