import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr/pack';
import type { BootSpan, Place } from './place.ts';

/** The version of everything in the folder. A change that an older agent would misread, or a newer one could not read, is a new version. */
export const SPOOL_VERSION = 1;

/** A segment is ended before it grows beyond this, in bytes. */
export const SEGMENT_FILE_BYTES = 16 * 1024 * 1024;

export const FILE_MODE = 0o600;

/** Boots whose ends a header tells of: the spool names numbers of that many boots after it had to drop their records. */
export const MAX_BOOTS = 64;

const MAGIC = Buffer.from([0xff, 0x50, 0x50, 0x53]);
const FIXED_BYTES = 16;
const MAX_HEADER_BYTES = 64 * 1024;
const NAME = /^(\d{16})\.segment$/;

const packr = new Packr({ useRecords: false });

/** A file of frames of one boot. */
export interface SegmentFile {
  readonly path: string;
  /** The ordinal of its first record. */
  readonly first: number;
  /** Bytes of it that may be read: whole frames. Grows while it is written. */
  size: number;
}

/** The header of a segment. Frames that can be read say all of it as well, so a damaged header alone loses nothing. */
export interface SegmentHeader {
  readonly spoolId: string;
  readonly bootId: string | undefined;
  /** Records with a lower ordinal were dropped when the spool was full. */
  readonly droppedTo: number;
  /** The newest boots before this segment, and its own. */
  readonly boots: readonly BootSpan[];
  /** The place before its first record: it counts what the first frames held where they are damaged. Undefined in files of older versions. */
  readonly before: Place | undefined;
}

export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.segment`;
}

/** The ordinal in a name; undefined for a file that is no segment. */
export function ordinalOf(name: string): number | undefined {
  const [, digits] = NAME.exec(name) ?? [];
  const first = Number(digits);
  return digits !== undefined && Number.isSafeInteger(first) && first > 0 ? first : undefined;
}

export function encodeSegmentHeader({ spoolId, bootId, droppedTo, boots, before }: SegmentHeader): Buffer {
  const spans = boots
    .slice(-MAX_BOOTS)
    .map(({ bootId: id, from, end }) => [
      id ?? null,
      from,
      end === undefined ? null : [end.through, end.events, end.notable],
    ]);
  const packed = packr.pack([
    spoolId,
    bootId ?? null,
    droppedTo,
    spans,
    ...(before === undefined ? [] : [numbersOf(before)]),
  ]);
  const head = Buffer.alloc(FIXED_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(SPOOL_VERSION, 4);
  head.writeUInt32LE(packed.length, 8);
  head.writeUInt32LE(crc32(packed, crc32(head.subarray(0, 12))), 12);
  return Buffer.concat([head, packed]);
}

/** Reads the header at the front of a file. @returns undefined when it is damaged, or of another version */
export async function readSegmentHeader(
  file: FileHandle,
): Promise<{ header: SegmentHeader; bytes: number } | undefined> {
  const bytes = Buffer.alloc(FIXED_BYTES + MAX_HEADER_BYTES);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  if (bytesRead < FIXED_BYTES || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) return undefined;
  const length = bytes.readUInt32LE(8);
  if (length > bytesRead - FIXED_BYTES || bytes.readUInt32LE(4) !== SPOOL_VERSION) return undefined;
  const packed = bytes.subarray(FIXED_BYTES, FIXED_BYTES + length);
  if (bytes.readUInt32LE(12) !== crc32(packed, crc32(bytes.subarray(0, 12)))) return undefined;
  const [spoolId, bootId, droppedTo, spans, before] = packr.unpack(packed) as [
    string,
    string | null,
    number,
    Array<[string | null, number, [number, number, number] | null]>,
    PlaceNumbers | undefined,
  ];
  const boots = spans.map(([id, from, end]) => ({
    bootId: id ?? undefined,
    from,
    end: end === null ? undefined : { through: end[0], events: end[1], notable: end[2] },
  }));
  const boot = bootId ?? undefined;
  const place = before && placeOf(before, boot);
  return { header: { spoolId, bootId: boot, droppedTo, boots, before: place }, bytes: FIXED_BYTES + length };
}

type PlaceNumbers = [number, number, number, number, number, number, number];

/** A place in the segment's boot. */
const numbersOf = (place: Place): PlaceNumbers => [
  place.ordinal,
  place.through,
  place.events,
  place.notable,
  place.notableRecords,
  place.bytes,
  place.notableBytes,
];

function placeOf(numbers: PlaceNumbers, bootId: string | undefined): Place {
  const [ordinal, through, events, notable, notableRecords, bytes, notableBytes] = numbers;
  return { ordinal, bootId, through, events, notable, notableRecords, bytes, notableBytes };
}

/**
 * Opens a file of the spool to read, or to read and write.
 * @param uid whom it must belong to
 * @throws the system's error; ELOOP for a link; an error that says so for what is no regular file
 */
export async function openFile(path: string, write = false, uid = process.geteuid?.()): Promise<FileHandle> {
  const access = write ? constants.O_RDWR : constants.O_RDONLY;
  const file = await open(path, access | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  const stats = await file.stat();
  if (stats.isFile() && (uid === undefined || stats.uid === uid)) return file;
  await file.close();
  throw new Error(stats.isFile() ? `it belongs to user ${stats.uid}, not to ${uid}` : 'it is not a regular file');
}
