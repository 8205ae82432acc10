import { KnownProcess, type ParentReference } from './known-process.ts';

/** Bits of a record's first byte, which say what the record has; `wide`: its texts have two bytes a character. */
const HAS = {
  start: 1,
  image: 2,
  command: 4,
  user: 8,
  parent: 16,
  parentStart: 32,
  parentImage: 64,
  ended: 128,
} as const;
/** Bits of the second byte. */
const FORM = { wide: 1, userText: 2 } as const;

/** A record: two bytes, four numbers, the lengths of four texts in UTF-16 units, then the texts. */
const NUMBERS_AT = 8;
const LENGTHS_AT = NUMBERS_AT + 4 * 8;
const TEXTS_AT = LENGTHS_AT + 4 * 4;

/** Half of the records: a piece of memory that is filled from front to back, and the place of each record in it, by pid. */
class Half {
  readonly places = new Map<number, number>();
  readonly #capacity: number;
  #memory: Buffer | undefined;
  used = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Made when it is first needed. The system gives each page when it is first written to. */
  get memory(): Buffer {
    return (this.#memory ??= Buffer.allocUnsafeSlow(this.#capacity));
  }

  clear(): void {
    this.places.clear();
    this.used = 0;
  }
}

/**
 * Processes by pid, in memory of a fixed size outside of JavaScript's heap. There, thousands of texts that live for some seconds
 * would become several times as much garbage before it is collected.
 *
 * Forgets approximately those that were not needed for longest: it has two halves, and empties the older one when the newer is full. A
 * record that is read in the older half moves to the newer.
 */
export class ProcessRecords {
  readonly #most: { readonly entries: number; readonly bytes: number };
  #newer: Half;
  #older: Half;

  /** @param most `entries`: records, outdated copies included; `bytes`: memory of all records */
  constructor(most: { readonly entries: number; readonly bytes: number }) {
    const half = Math.floor(most.bytes / 2);
    this.#most = { entries: most.entries / 2, bytes: half };
    this.#newer = new Half(half);
    this.#older = new Half(half);
  }

  /** Records held, including outdated copies in the older half. */
  get size(): number {
    return this.#newer.places.size + this.#older.places.size;
  }

  /** Bytes of memory in use. */
  get bytes(): number {
    return this.#newer.used + this.#older.used;
  }

  get(pid: number): KnownProcess | undefined {
    const place = this.#find(pid);
    return place === undefined ? undefined : readRecord(this.#newer.memory, place, pid);
  }

  /** Remembers a process in place of the one that had its pid; one that takes more than half of the memory is not remembered. */
  set(process: KnownProcess): void {
    const { pid, image = '', commandLine = '', user, parent } = process;
    const text = `${image}${commandLine}${typeof user === 'string' ? user : ''}${parent?.exe ?? ''}`;
    // Nearly all texts are ASCII, which has as many bytes as characters.
    const isWide = Buffer.byteLength(text) !== text.length;
    const bytes = sizeOf(text.length, isWide);
    const place = this.#reserve(pid, bytes);
    if (place !== undefined) writeRecord(this.#newer.memory, place, process, text, isWide);
  }

  /** The process with this pid has ended, if it is the one that began then, or its start is not known. */
  end(pid: number, startTime: number): void {
    const place = this.#find(pid);
    if (place === undefined) return;
    const { memory } = this.#newer;
    const has = memory[place]!;
    if ((has & HAS.start) === 0 || memory.readDoubleLE(place + NUMBERS_AT) === startTime)
      memory[place] = has | HAS.ended;
  }

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }

  /** The place of a record in the newer half, where it is moved to. */
  #find(pid: number): number | undefined {
    const place = this.#newer.places.get(pid);
    if (place !== undefined) return place;
    const old = this.#older.places.get(pid);
    if (old === undefined) return undefined;
    const { memory } = this.#older;
    const record = memory.subarray(old, old + bytesAt(memory, old));
    const isFull = !this.#hasRoomFor(record.length);
    // The older half, in which the record lies, becomes the newer one.
    const moved = isFull ? Buffer.from(record) : record;
    const to = this.#reserve(pid, moved.length)!;
    moved.copy(this.#newer.memory, to);
    return to;
  }

  /** A place for a record in the newer half; undefined where it is too large. */
  #reserve(pid: number, bytes: number): number | undefined {
    if (bytes > this.#most.bytes) {
      this.#newer.places.delete(pid);
      this.#older.places.delete(pid);
      return undefined;
    }
    if (!this.#hasRoomFor(bytes)) {
      const emptied = this.#older;
      this.#older = this.#newer;
      this.#newer = emptied;
      emptied.clear();
    }
    const half = this.#newer;
    const place = half.used;
    half.used += bytes;
    half.places.set(pid, place);
    return place;
  }

  #hasRoomFor(bytes: number): boolean {
    const { places, used } = this.#newer;
    return places.size < this.#most.entries && used + bytes <= this.#most.bytes;
  }
}

/** Records begin at multiples of eight. */
const sizeOf = (units: number, isWide: boolean): number => (TEXTS_AT + (isWide ? 2 : 1) * units + 7) & ~7;

function bytesAt(memory: Buffer, place: number): number {
  let units = 0;
  for (let i = 0; i < 4; i++) units += memory.readUInt32LE(place + LENGTHS_AT + 4 * i);
  return sizeOf(units, (memory[place + 1]! & FORM.wide) !== 0);
}

/** @param text of the process: image, command line, user and the parent's image, one behind the other */
function writeRecord(memory: Buffer, place: number, process: KnownProcess, text: string, isWide: boolean): void {
  const { startTime, image, commandLine, user, parent, hasEnded } = process;
  const isText = typeof user === 'string';
  memory[place] =
    (startTime === undefined ? 0 : HAS.start) |
    (image === undefined ? 0 : HAS.image) |
    (commandLine === undefined ? 0 : HAS.command) |
    (user === undefined ? 0 : HAS.user) |
    (parent === undefined ? 0 : HAS.parent) |
    (parent?.start_time === undefined ? 0 : HAS.parentStart) |
    (parent?.exe === undefined ? 0 : HAS.parentImage) |
    (hasEnded ? HAS.ended : 0);
  memory[place + 1] = (isWide ? FORM.wide : 0) | (isText ? FORM.userText : 0);
  const numbers = place + NUMBERS_AT;
  memory.writeDoubleLE(startTime ?? 0, numbers);
  memory.writeDoubleLE(typeof user === 'number' ? user : 0, numbers + 8);
  memory.writeDoubleLE(parent?.pid ?? 0, numbers + 16);
  memory.writeDoubleLE(parent?.start_time ?? 0, numbers + 24);
  const lengths = place + LENGTHS_AT;
  memory.writeUInt32LE(image?.length ?? 0, lengths);
  memory.writeUInt32LE(commandLine?.length ?? 0, lengths + 4);
  memory.writeUInt32LE(isText ? user.length : 0, lengths + 8);
  memory.writeUInt32LE(parent?.exe?.length ?? 0, lengths + 12);
  memory.write(text, place + TEXTS_AT, isWide ? 'utf16le' : 'latin1');
}

function readRecord(memory: Buffer, place: number, pid: number): KnownProcess {
  const has = memory[place]!;
  const form = memory[place + 1]!;
  const numbers = place + NUMBERS_AT;
  const lengths = place + LENGTHS_AT;
  const start = place + TEXTS_AT;
  const isWide = (form & FORM.wide) !== 0;
  const text = memory.toString(isWide ? 'utf16le' : 'latin1', start, place + bytesAt(memory, place));
  let at = 0;
  const next = (bit: number, i: number): string | undefined => {
    const from = at;
    at += memory.readUInt32LE(lengths + 4 * i);
    return (has & bit) === 0 ? undefined : text.slice(from, at);
  };
  const number = (bit: number, i: number): number | undefined =>
    (has & bit) === 0 ? undefined : memory.readDoubleLE(numbers + 8 * i);
  const image = next(HAS.image, 0);
  const commandLine = next(HAS.command, 1);
  const userText = next(HAS.user, 2);
  const parentImage = next(HAS.parentImage, 3);
  const parentPid = number(HAS.parent, 2);
  return new KnownProcess(
    reference(pid, number(HAS.start, 0), image),
    commandLine,
    (form & FORM.userText) === 0 ? number(HAS.user, 1) : userText,
    parentPid === undefined ? undefined : reference(parentPid, number(HAS.parentStart, 3), parentImage),
    (has & HAS.ended) !== 0,
  );
}

function reference(pid: number, startTime: number | undefined, exe: string | undefined): ParentReference {
  return {
    pid,
    ...(startTime === undefined ? undefined : { start_time: startTime }),
    ...(exe === undefined ? undefined : { exe }),
  };
}
