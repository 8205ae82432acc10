/** Memory at first, in bytes. */
const FIRST_BYTES = 64 * 1024;

/** More memory is not kept for the next batch, in bytes. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

const SMALL = 0x80;

/**
 * Writes protobuf from its end to its beginning. So the length of a message is known when it is needed in front of it, and nothing is
 * measured first or moved later.
 */
export class BackwardWriter {
  readonly #firstBytes: number;
  #memory: Buffer;
  /** The written bytes lie from here to the end. */
  #start: number;

  constructor(firstBytes = FIRST_BYTES) {
    this.#firstBytes = firstBytes;
    this.#memory = Buffer.allocUnsafeSlow(firstBytes);
    this.#start = firstBytes;
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#memory.length - this.#start;
  }

  /** The written bytes; lent until `clear`. */
  get written(): Buffer {
    return this.#memory.subarray(this.#start);
  }

  clear(): void {
    if (this.#memory.length > MAX_KEPT_BYTES) this.#memory = Buffer.allocUnsafeSlow(this.#firstBytes);
    this.#start = this.#memory.length;
  }

  byte(value: number): void {
    this.#makeRoom(1);
    this.#memory[this.#start] = value;
  }

  bytes(data: Uint8Array): void {
    this.#makeRoom(data.length);
    this.#memory.set(data, this.#start);
  }

  /** UTF-8. A half of a surrogate pair becomes U+FFFD: it has no form in UTF-8. */
  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.#makeRoom(length);
    this.#memory.write(text, this.#start, length, 'utf8');
  }

  /** @param value a safe whole number; below 0 it has ten bytes, as int64 has it */
  varint(value: number): void {
    if (value < 0) return this.#varint64(BigInt.asUintN(64, BigInt(value)));
    let bytes = 1;
    for (let rest = value; rest >= SMALL; rest = Math.floor(rest / SMALL)) bytes++;
    this.#makeRoom(bytes);
    let at = this.#start;
    let rest = value;
    for (; rest >= SMALL; rest = Math.floor(rest / SMALL)) this.#memory[at++] = (rest % SMALL) + SMALL;
    this.#memory[at] = rest;
  }

  #varint64(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) + SMALL);
    bytes.push(Number(rest));
    this.bytes(Uint8Array.from(bytes));
  }

  fixed64(value: bigint): void {
    this.#makeRoom(8);
    this.#memory.writeBigUInt64LE(value, this.#start);
  }

  /** The tag and length of everything that was written since `length` was `before`. */
  head(fieldTag: number, before: number): void {
    this.varint(this.length - before);
    this.byte(fieldTag);
  }

  #makeRoom(bytes: number): void {
    if (bytes > this.#start) this.#grow(bytes);
    this.#start -= bytes;
  }

  #grow(bytes: number): void {
    const { length } = this;
    const memory = Buffer.allocUnsafeSlow(Math.max(2 * this.#memory.length, length + bytes));
    const start = memory.length - length;
    this.#memory.copy(memory, start, this.#start);
    this.#memory = memory;
    this.#start = start;
  }
}
