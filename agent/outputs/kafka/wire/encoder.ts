const FIRST_BYTES = 256;

/** Writes the primitive types of Kafka's protocol (kafka.apache.org/protocol, "Protocol Primitive Types"), big-endian. */
export class Encoder {
  #memory: Buffer;
  #bytes = 0;

  /** @param bytes how much there will be, if that is known; more is made room for */
  constructor(bytes = FIRST_BYTES) {
    this.#memory = Buffer.allocUnsafe(bytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The written bytes. The memory is the encoder's own until it writes again. */
  finish(): Buffer {
    return this.#memory.subarray(0, this.#bytes);
  }

  int8(value: number): this {
    return this.#add(1, (at) => this.#memory.writeInt8(value, at));
  }

  int16(value: number): this {
    return this.#add(2, (at) => this.#memory.writeInt16BE(value, at));
  }

  int32(value: number): this {
    return this.#add(4, (at) => this.#memory.writeInt32BE(value, at));
  }

  uint32(value: number): this {
    return this.#add(4, (at) => this.#memory.writeUInt32BE(value, at));
  }

  int64(value: number): this {
    return this.#add(8, (at) => this.#memory.writeBigInt64BE(BigInt(value), at));
  }

  /** A signed 32-bit number in one to five bytes: zigzag, then seven bits a byte, the lowest first. */
  varint(value: number): this {
    this.#makeRoom(5);
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest > 0x7f) {
      this.#memory[this.#bytes++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#memory[this.#bytes++] = rest;
    return this;
  }

  raw(value: Uint8Array): this {
    this.#makeRoom(value.length);
    this.#memory.set(value, this.#bytes);
    this.#bytes += value.length;
    return this;
  }

  /** Bytes with their length as a `varint` in front. */
  varbytes(value: Uint8Array): this {
    return this.varint(value.length).raw(value);
  }

  /** At most 32,767 bytes of UTF-8. */
  string(value: string): this {
    const text = Buffer.from(value);
    return this.int16(text.length).raw(text);
  }

  /** Bytes with their length as an `int32` in front. */
  lengthPrefixed(value: Uint8Array): this {
    return this.int32(value.length).raw(value);
  }

  #add(bytes: number, write: (at: number) => void): this {
    this.#makeRoom(bytes);
    write(this.#bytes);
    this.#bytes += bytes;
    return this;
  }

  #makeRoom(bytes: number): void {
    if (this.#memory.length - this.#bytes >= bytes) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#memory.length, this.#bytes + bytes));
    this.#memory.copy(larger, 0, 0, this.#bytes);
    this.#memory = larger;
  }
}
