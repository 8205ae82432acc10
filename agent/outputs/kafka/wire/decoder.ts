/** The bytes are no reply of Kafka's protocol, or not the one that was asked for. */
export class MalformedReplyError extends Error {
  override readonly name = 'MalformedReplyError';

  constructor() {
    super("the broker's reply is not what Kafka's protocol asks for; is there another server at that address?");
  }
}

/**
 * Reads the primitive types of Kafka's protocol, big-endian. Reads nothing beyond the reply's end, and makes no list longer
 * than the reply can hold: lengths come from whoever answers.
 */
export class Decoder {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#pass(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#pass(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#pass(4));
  }

  /** As a number: what is beyond 2^53 loses its last digits. */
  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#pass(8)));
  }

  string(): string {
    const text = this.nullableString();
    if (text === undefined) throw new MalformedReplyError();
    return text;
  }

  nullableString(): string | undefined {
    const length = this.int16();
    if (length < -1) throw new MalformedReplyError();
    return length === -1 ? undefined : this.#take(length).toString('utf8');
  }

  /** Bytes with their length as an `int32` in front. */
  lengthPrefixed(): Buffer {
    const length = this.int32();
    if (length < 0) throw new MalformedReplyError();
    return this.#take(length);
  }

  /** A list: `read` is called once for each element. */
  array<T>(read: () => T): T[] {
    const count = this.int32();
    // No element is shorter than a byte.
    if (count < 0 || count > this.#bytes.length - this.#at) throw new MalformedReplyError();
    return Array.from({ length: count }, read);
  }

  #take(length: number): Buffer {
    const start = this.#pass(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** @returns where the passed bytes begin @throws {MalformedReplyError} where there are not so many */
  #pass(bytes: number): number {
    const start = this.#at;
    if (bytes > this.#bytes.length - start) throw new MalformedReplyError();
    this.#at += bytes;
    return start;
  }
}
