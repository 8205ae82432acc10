/** The payload of an event ends before its last field, or a field has an invalid value. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
}

const MAX_SUB_AUTHORITIES = 15;

/** Reads the fields of an event's payload in order; never past its end. */
export class PayloadReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  /** The next 32 bits without moving on. */
  peek32(): number {
    const value = this.u32();
    this.#at -= 4;
    return value;
  }

  /** A SID as text, `S-1-5-18` (winnt.h, struct SID). */
  sid(): string {
    const head = this.#take(8);
    const count = this.#bytes[head + 1] as number;
    if (this.#bytes[head] !== 1 || count > MAX_SUB_AUTHORITIES) throw new PayloadError('not a SID');
    let text = `S-1-${this.#bytes.readUIntBE(head + 2, 6)}`;
    for (let i = 0; i < count; i++) text += `-${this.u32()}`;
    return text;
  }

  /** UTF-16 up to its NUL. Surrogates that stand alone stay as they are. */
  wide(): string {
    const { length } = this.#bytes;
    let end = this.#at;
    do {
      // Zero bytes at an odd offset are not the end: they belong to two characters.
      end = this.#bytes.indexOf('\0\0', end, 'latin1');
      if (end === -1 || end + 2 > length) throw new PayloadError('a string without an end');
    } while ((end - this.#at) % 2 !== 0 && ++end > 0);
    const text = this.#bytes.toString('utf16le', this.#at, end);
    this.#at = end + 2;
    return text;
  }

  /** Bytes up to a NUL, in the code page of the system. ASCII is certain, other characters are a guess. */
  ansi(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw new PayloadError('a string without an end');
    const text = this.#bytes.latin1Slice(this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw new PayloadError(`ends after ${this.#bytes.length} bytes`);
    this.#at = at + bytes;
    return at;
  }
}
