import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr/pack';
import type { Facts } from '../../events/facts.ts';
import { NO_NUMBER } from '../../events/item.ts';
import { newIndex, type RecordIndex } from '../log/memory-segment.ts';
import { decodeFacts, encodeFacts } from './frame-facts.ts';
import type { Place } from './place.ts';

/** The first bytes of a frame. 0xFF is in no UTF-8 text, so no line can hold what looks like a frame. */
export const MAGIC = Buffer.from([0xff, 0x50, 0x50, 0x46]);

/** Bytes of a frame before its index. */
export const HEADER_BYTES = 120;

/** Larger than any frame that is written: what says more is no header. */
const MAX_PART_BYTES = 256 * 1024 * 1024;

/** Arrays and bytes only, so that each frame can be read without any other. */
const packr = new Packr({ useRecords: false });

/** The facts of a frame that are known before its lines are read. */
export interface FrameHeader {
  readonly indexBytes: number;
  readonly linesBytes: number;
  readonly payloadCrc: number;
  readonly records: number;
  /** Places before its first record and after its last. The boot is not in the header but in the index. */
  readonly before: Place;
  readonly after: Place;
}

/** The index of a frame: the boot of its numbers and, for each record, where its line ends and its numbers. */
export interface FrameIndex extends RecordIndex {
  readonly bootId: string | undefined;
  /** Facts that outputs asked for, by record; undefined where no record has any. */
  readonly facts: (Facts | undefined)[] | undefined;
}

/** A piece of a `RecordIndex` and of the memory that holds the lines. */
export interface FrameContent {
  readonly index: RecordIndex;
  readonly from: number;
  readonly to: number;
  readonly lines: Buffer;
  /** By record of the index. */
  readonly facts: readonly (Facts | undefined)[] | undefined;
}

/**
 * Writes the part of a frame that comes before its lines: header and index. The lines follow as they are.
 * @param tag tells the frames of one spool from those of another
 */
export function encodeFrame(
  { index, from, to, lines, facts }: FrameContent,
  before: Place,
  after: Place,
  tag: number,
): Buffer {
  const packed = encodeIndex(index, from, to, after.bootId, encodeFacts(facts, from, to));
  const head = Buffer.allocUnsafe(HEADER_BYTES + packed.length);
  packed.copy(head, HEADER_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(crc32(lines, crc32(packed)), 8);
  head.writeUInt32LE(packed.length, 12);
  head.writeUInt32LE(lines.length, 16);
  head.writeUInt32LE(to - from, 20);
  head.writeUInt32LE(tag, 24);
  head.writeUInt32LE(after.notableRecords - before.notableRecords, 28);
  const numbers = [
    before.through,
    after.through,
    before.ordinal,
    before.events,
    after.events,
    before.notable,
    after.notable,
    before.notableRecords,
    before.bytes,
    before.notableBytes,
    after.notableBytes,
  ];
  for (const [i, number] of numbers.entries()) head.writeDoubleLE(number, 32 + 8 * i);
  head.writeUInt32LE(crc32(head.subarray(8, HEADER_BYTES)), 4);
  return head;
}

/** Reads a header; undefined when the bytes are not one of this spool. */
export function decodeHeader(bytes: Buffer, tag: number): FrameHeader | undefined {
  if (bytes.length < HEADER_BYTES || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) return undefined;
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8, HEADER_BYTES))) return undefined;
  const indexBytes = bytes.readUInt32LE(12);
  const linesBytes = bytes.readUInt32LE(16);
  if (bytes.readUInt32LE(24) !== tag || indexBytes > MAX_PART_BYTES || linesBytes > MAX_PART_BYTES) return undefined;
  const records = bytes.readUInt32LE(20);
  const number = (i: number): number => bytes.readDoubleLE(32 + 8 * i);
  const before: Place = {
    ordinal: number(2),
    bootId: undefined,
    through: number(0),
    events: number(3),
    notable: number(5),
    notableRecords: number(7),
    bytes: number(8),
    notableBytes: number(9),
  };
  const after: Place = {
    ordinal: before.ordinal + records,
    bootId: undefined,
    through: number(1),
    events: number(4),
    notable: number(6),
    notableRecords: before.notableRecords + bytes.readUInt32LE(28),
    bytes: before.bytes + linesBytes,
    notableBytes: number(10),
  };
  return { indexBytes, linesBytes, payloadCrc: bytes.readUInt32LE(8), records, before, after };
}

/** Whether index and lines are those that the header was written for. */
export function isWhole({ payloadCrc }: FrameHeader, index: Buffer, lines: Buffer): boolean {
  return crc32(lines, crc32(index)) === payloadCrc;
}

/** The index as lengths, numbers, flags and, where there are any, facts. Numbers: `first, n` for n events in a row, `first, 0, last` for a gap. */
function encodeIndex(
  index: RecordIndex,
  from: number,
  to: number,
  bootId: string | undefined,
  facts: readonly unknown[] | undefined,
): Buffer {
  const { ends, firsts, lasts, flags } = index;
  const lengths: number[] = [];
  const numbers: number[] = [];
  let end = from === 0 ? 0 : ends[from - 1]!;
  let anyFlags = 0;
  let run = -1;
  for (let record = from; record < to; record++) {
    lengths.push(ends[record]! - end);
    end = ends[record]!;
    anyFlags |= flags[record]!;
    const first = firsts[record]!;
    const last = lasts[record]!;
    if (first !== last) {
      numbers.push(first, 0, last);
      run = -1;
    } else if (run !== -1 && first === nextOf(numbers[run]!, numbers[run + 1]!)) {
      numbers[run + 1]!++;
    } else {
      run = numbers.length;
      numbers.push(first, 1);
    }
  }
  const packedFlags = anyFlags === 0 ? null : Buffer.from(flags.slice(from, to));
  return packr.pack([bootId ?? null, lengths, numbers, packedFlags, ...(facts === undefined ? [] : [facts])]);
}

/** The number after `n` events from `first` on; records without a number follow each other. */
function nextOf(first: number, n: number): number {
  return first === NO_NUMBER ? NO_NUMBER : first + n;
}

/** Reads a frame's index. @throws when it does not fit its header: another program wrote it */
export function decodeIndex(packed: Buffer, { records, linesBytes }: FrameHeader): FrameIndex {
  const data: unknown = packr.unpack(packed);
  if (!Array.isArray(data)) throw new Error('the index is not a list');
  const [bootId, lengths, numbers, flags, facts] = data as unknown[];
  if (!(bootId === null || typeof bootId === 'string') || !isNumbers(lengths) || !isNumbers(numbers))
    throw new Error('the index has another shape');
  if (lengths.length !== records) throw new Error('the index has another number of records');
  const index = newIndex(records);
  let end = 0;
  for (const [i, length] of lengths.entries()) index.ends[i] = end += length;
  if (end !== linesBytes || lengths.some((length) => length < 1)) throw new Error('the index has other lines');
  decodeNumbers(numbers, index);
  if (flags instanceof Uint8Array && flags.length === records) index.flags.set(flags);
  else if (flags !== null) throw new Error('the index has other flags');
  return { ...index, bootId: bootId ?? undefined, facts: decodeFacts(facts, records) };
}

function decodeNumbers(numbers: readonly number[], { firsts, lasts }: RecordIndex): void {
  let record = 0;
  for (let i = 0; i < numbers.length;) {
    const first = numbers[i]!;
    const n = numbers[i + 1]!;
    if (n === 0) {
      if (record < firsts.length) [firsts[record], lasts[record]] = [first, numbers[i + 2]!];
      record++;
      i += 3;
      continue;
    }
    for (let k = 0; k < n && record < firsts.length; k++, record++) firsts[record] = lasts[record] = nextOf(first, k);
    i += 2;
  }
  if (record !== firsts.length) throw new Error('the index has other numbers');
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((number) => Number.isSafeInteger(number));
}
