import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import { Encoder } from './encoder.ts';

type Compression = 'none' | 'gzip' | 'zstd';

/** The lowest three bits of a batch's attributes. */
const CODEC: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, zstd: 4 };

const compressors = {
  // Lines are much alike: more work makes them hardly smaller.
  gzip: (data: Buffer) => promisify(gzip)(data, { level: constants.Z_BEST_SPEED }),
  zstd: (data: Buffer) => promisify(zstdCompress)(data),
};

const MAGIC = 2;
/** Without a producer id the broker compares nothing with earlier batches: it never takes one for a repetition of another. */
const NO_PRODUCER = -1;
/** Bytes behind the field that counts them: epoch, magic, checksum; then what the checksum is of. */
const COUNTED_BEFORE_CHECKSUM = 4 + 1 + 4;

type Headers = ReadonlyArray<readonly [name: string, value: string]>;

/** One record of a batch. */
export interface BatchRecord {
  readonly value: Uint8Array;
  readonly headers: Headers;
}

export interface RecordBatchOptions {
  /** Of every record. */
  readonly key: Uint8Array;
  readonly compression: Compression;
  /** When the records are sent, in milliseconds since 1970. */
  readonly timestamp: number;
  /** About how many bytes the records have, to make room at once. */
  readonly bytes: number;
}

/**
 * A record batch, version 2 (kafka.apache.org/documentation, "Record Batch"), without a producer id.
 * @param records one at least
 */
export async function recordBatch(
  records: Iterable<BatchRecord>,
  { key, compression, timestamp, bytes }: RecordBatchOptions,
): Promise<Buffer> {
  const body = new Encoder(bytes);
  let count = 0;
  for (const record of records) addRecord(body, record, key, count++);
  const data = compression === 'none' ? body.finish() : await compressors[compression](body.finish());
  const checked = new Encoder(data.length + 64)
    .int16(CODEC[compression])
    .int32(count - 1)
    .int64(timestamp)
    .int64(timestamp)
    .int64(NO_PRODUCER)
    .int16(NO_PRODUCER)
    .int32(NO_PRODUCER)
    .int32(count)
    .raw(data)
    .finish();
  return new Encoder(checked.length + 32)
    .int64(0)
    .int32(COUNTED_BEFORE_CHECKSUM + checked.length)
    .int32(-1)
    .int8(MAGIC)
    .uint32(crc32c(checked))
    .raw(checked)
    .finish();
}

function addRecord(body: Encoder, { value, headers }: BatchRecord, key: Uint8Array, offset: number): void {
  const names = headers.map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const);
  let length = 1 + sizeOf(0) + sizeOf(offset) + sized(key) + sized(value) + sizeOf(names.length);
  for (const [name, text] of names) length += sized(name) + sized(text);
  body.varint(length).int8(0).varint(0).varint(offset).varbytes(key).varbytes(value).varint(names.length);
  for (const [name, text] of names) body.varbytes(name).varbytes(text);
}

/** How many bytes a `varint` of a number from 0 takes. */
function sizeOf(value: number): number {
  let bytes = 1;
  for (let rest = value * 2; rest > 0x7f; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function sized({ length }: Uint8Array): number {
  return sizeOf(length) + length;
}
