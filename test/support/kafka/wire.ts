// The parts of Kafka's protocol that a broker needs, written from its description apart from the code under test.
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

/** One record as a broker keeps it. */
export interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string;
  readonly value: string;
  readonly headers: ReadonlyArray<readonly [string, string]>;
}

/** The contents of a produce request. */
export interface ProduceRequest {
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topic: string;
  readonly partition: number;
  readonly records: StoredRecord[];
  readonly producerId: bigint;
  readonly baseSequence: number;
  readonly codec: number;
  readonly bytes: number;
}

/** A reply with its length and number in front. */
export function framed(correlation: number, body: Buffer): Buffer {
  return write(i32(body.length + 4), i32(correlation), body);
}

export const write = (...pieces: Buffer[]): Buffer => Buffer.concat(pieces);
export const i16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
export const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
export const i64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};
export const str = (text: string): Buffer => write(i16(Buffer.byteLength(text)), Buffer.from(text));
export const list = (entries: readonly Buffer[]): Buffer => write(i32(entries.length), ...entries);

export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int(bytes: number): number {
    this.#at += bytes;
    return this.#bytes.readIntBE(this.#at - bytes, bytes);
  }

  long(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64BE(this.#at - 8);
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new Error('the request ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  string(): string | undefined {
    const length = this.int(2);
    return length === -1 ? undefined : this.take(length).toString('utf8');
  }

  bytes(): Buffer {
    return this.take(this.int(4));
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  /** Zigzag, seven bits a byte. */
  varint(): number {
    let value = 0n;
    let shift = 0n;
    for (;;) {
      const byte = BigInt(this.int(1) & 0xff);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) break;
      shift += 7n;
    }
    return Number((value >> 1n) ^ -(value & 1n));
  }
}

/** Reads a produce request to its last byte, and checks what a broker checks. @throws where it is wrong */
export function readProduce(body: Buffer): ProduceRequest {
  const reader = new Reader(body);
  if (reader.string() !== undefined) throw new Error('a transaction');
  const [acks, timeoutMs] = [reader.int(2), reader.int(4)];
  if (reader.int(4) !== 1) throw new Error('not one topic');
  const topic = reader.string()!;
  if (reader.int(4) !== 1) throw new Error('not one partition');
  const partition = reader.int(4);
  const batch = reader.bytes();
  if (reader.rest().length > 0) throw new Error('bytes behind the request');
  return { acks, timeoutMs, topic, partition, bytes: batch.length, ...readBatch(batch, partition) };
}

function readBatch(
  bytes: Buffer,
  partition: number,
): Pick<ProduceRequest, 'records' | 'producerId' | 'baseSequence' | 'codec'> {
  const reader = new Reader(bytes);
  if (reader.long() !== 0n) throw new Error('the base offset is not 0');
  if (reader.int(4) !== bytes.length - 12) throw new Error('the length is wrong');
  reader.int(4);
  if (reader.int(1) !== 2) throw new Error('not version 2');
  if (reader.int(4) >>> 0 !== castagnoli(bytes.subarray(21))) throw new Error('the checksum is wrong');
  const codec = reader.int(2);
  const lastDelta = reader.int(4);
  const [base, max] = [reader.long(), reader.long()];
  const producerId = reader.long();
  reader.int(2);
  const baseSequence = reader.int(4);
  const count = reader.int(4);
  if (lastDelta !== count - 1 || max !== base) throw new Error('the head of the batch is wrong');
  const data = reader.rest();
  const body = new Reader(codec === 1 ? gunzipSync(data) : codec === 4 ? zstdDecompressSync(data) : data);
  const records = Array.from({ length: count }, (_, i) => {
    const record = new Reader(body.take(body.varint()));
    record.int(1);
    const timestamp = Number(base) + record.varint();
    if (record.varint() !== i) throw new Error('the offsets are wrong');
    const key = record.take(record.varint()).toString();
    const value = record.take(record.varint()).toString();
    const headers = Array.from(
      { length: record.varint() },
      () => [record.take(record.varint()).toString(), record.take(record.varint()).toString()] as const,
    );
    if (record.rest().length > 0) throw new Error('bytes behind a record');
    return { partition, offset: i, timestamp, key, value, headers };
  });
  if (body.rest().length > 0) throw new Error('bytes behind the records');
  return { records, producerId, baseSequence, codec };
}

/** CRC-32C, bit by bit. */
function castagnoli(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
