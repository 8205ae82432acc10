import { KnownProcess, type ParentReference } from './known-process.ts';

/** Bits of a record's first word, which say what the record has. `wide`: its texts have two bytes a character. */
const HAS = {
  start: 1,
  image: 2,
  command: 4,
  user: 8,
  parent: 16,
  parentStart: 32,
  parentImage: 64,
  ended: 128,
  userText: 256,
  wide: 512,
} as const;

/** A record: the first word, four numbers, the lengths of four texts in UTF-16 units, then the texts. Places are in bytes. */
const NUMBERS_AT = 8;
const LENGTHS_AT = NUMBERS_AT + 4 * 8;
const TEXTS_AT = LENGTHS_AT + 4 * 4;

/** Half of the records: a piece of memory that is filled from front to back, and the place of each record in it, by pid. */
class Half {
  readonly places = new Map<number, number>();
  readonly bytes: Buffer;
  /** The same memory. Records begin at multiples of eight. */
  readonly words: Uint32Array;
  readonly numbers: Float64Array;
  used = 0;

  /** @param capacity in bytes. The system gives each page when it is first written to. */
  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    const { buffer, byteOffset } = this.bytes;
    this.words = new Uint32Array(buffer, byteOffset, capacity >>> 2);
    this.numbers = new Float64Array(buffer, byteOffset, capacity >>> 3);
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
    const half = (most.bytes >>> 4) << 3;
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
    return place === undefined ? undefined : readRecord(this.#newer, place, pid);
  }

  /** Remembers a process in place of the one that had its pid; one that takes more than half of the memory is not remembered. */
  set(process: KnownProcess): void {
    const { pid, image = '', commandLine = '', user, parent } = process;
    const text = `${image}${commandLine}${typeof user === 'string' ? user : ''}${parent?.exe ?? ''}`;
    const place = this.#reserve(pid, sizeOf(text.length, true));
    if (place === undefined) return;
    const half = this.#newer;
    // Nearly all texts are ASCII, which has as many bytes as characters.
    const isWide = Buffer.byteLength(text) !== text.length;
    half.bytes.write(text, place + TEXTS_AT, isWide ? 'utf16le' : 'latin1');
    if (!isWide) half.used = place + sizeOf(text.length, false);
    writeFacts(half, place, process, isWide);
  }

  /** The process with this pid has ended, if it is the one that began then, or its start is not known. */
  end(pid: number, startTime: number): void {
    const place = this.#find(pid);
    if (place === undefined) return;
    const { words, numbers } = this.#newer;
    const has = words[place >>> 2]!;
    if ((has & HAS.start) === 0 || numbers[(place + NUMBERS_AT) >>> 3] === startTime)
      words[place >>> 2] = has | HAS.ended;
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
    const { bytes } = this.#older;
    const record = bytes.subarray(old, old + sizeAt(this.#older, old));
    // The older half, in which the record lies, is emptied to become the newer one.
    const moved = this.#hasRoomFor(record.length) ? record : Buffer.from(record);
    const to = this.#reserve(pid, moved.length)!;
    moved.copy(this.#newer.bytes, to);
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

const sizeOf = (units: number, isWide: boolean): number => (TEXTS_AT + (isWide ? 2 : 1) * units + 7) & ~7;

function sizeAt({ words }: Half, place: number): number {
  const lengths = (place + LENGTHS_AT) >>> 2;
  const units = words[lengths]! + words[lengths + 1]! + words[lengths + 2]! + words[lengths + 3]!;
  return sizeOf(units, (words[place >>> 2]! & HAS.wide) !== 0);
}

/** Writes everything except the texts: image, command line, user and the parent's image, one behind the other. */
function writeFacts({ words, numbers }: Half, place: number, process: KnownProcess, isWide: boolean): void {
  const { startTime, image, commandLine, user, parent, hasEnded } = process;
  const isText = typeof user === 'string';
  words[place >>> 2] =
    (startTime === undefined ? 0 : HAS.start) |
    (image === undefined ? 0 : HAS.image) |
    (commandLine === undefined ? 0 : HAS.command) |
    (user === undefined ? 0 : HAS.user) |
    (parent === undefined ? 0 : HAS.parent) |
    (parent?.start_time === undefined ? 0 : HAS.parentStart) |
    (parent?.exe === undefined ? 0 : HAS.parentImage) |
    (hasEnded ? HAS.ended : 0) |
    (isText ? HAS.userText : 0) |
    (isWide ? HAS.wide : 0);
  const number = (place + NUMBERS_AT) >>> 3;
  numbers[number] = startTime ?? 0;
  numbers[number + 1] = typeof user === 'number' ? user : 0;
  numbers[number + 2] = parent?.pid ?? 0;
  numbers[number + 3] = parent?.start_time ?? 0;
  const length = (place + LENGTHS_AT) >>> 2;
  words[length] = image?.length ?? 0;
  words[length + 1] = commandLine?.length ?? 0;
  words[length + 2] = isText ? user.length : 0;
  words[length + 3] = parent?.exe?.length ?? 0;
}

function readRecord(half: Half, place: number, pid: number): KnownProcess {
  const { bytes, words, numbers } = half;
  const has = words[place >>> 2]!;
  const number = (place + NUMBERS_AT) >>> 3;
  const length = (place + LENGTHS_AT) >>> 2;
  const unit = (has & HAS.wide) === 0 ? 1 : 2;
  const image = place + TEXTS_AT;
  const command = image + unit * words[length]!;
  const user = command + unit * words[length + 1]!;
  const parentImage = user + unit * words[length + 2]!;
  const end = parentImage + unit * words[length + 3]!;
  const text = (from: number, to: number): string =>
    unit === 1 ? bytes.latin1Slice(from, to) : bytes.toString('utf16le', from, to);
  const own: ParentReference = { pid };
  if ((has & HAS.start) !== 0) own.start_time = numbers[number]!;
  if ((has & HAS.image) !== 0) own.exe = text(image, command);
  const parent: ParentReference | undefined = (has & HAS.parent) === 0 ? undefined : { pid: numbers[number + 2]! };
  if (parent !== undefined && (has & HAS.parentStart) !== 0) parent.start_time = numbers[number + 3]!;
  if (parent !== undefined && (has & HAS.parentImage) !== 0) parent.exe = text(parentImage, end);
  return new KnownProcess(
    own,
    (has & HAS.command) === 0 ? undefined : text(command, user),
    (has & HAS.user) === 0 ? undefined : (has & HAS.userText) === 0 ? numbers[number + 1] : text(user, parentImage),
    parent,
    (has & HAS.ended) !== 0,
  );
}
