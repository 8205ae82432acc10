import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { Part } from '../network/parts.ts';
import type { HttpOutputConfig } from './config.ts';

const compressors = {
  // Lines are much alike: more work makes them hardly smaller.
  gzip: (data: Buffer) => promisify(gzip)(data, { level: constants.Z_BEST_SPEED }),
  zstd: (data: Buffer) => promisify(zstdCompress)(data),
};

const OPENING = 0x5b;
const CLOSING = 0x5d;
const COMMA = 0x2c;

/** The body of a request, and the headers that say what it is. */
export async function bodyOf(
  part: Part,
  { body, compression }: Pick<HttpOutputConfig, 'body' | 'compression'>,
): Promise<{ data: Buffer; headers: Record<string, string> }> {
  const data = body === 'array' ? arrayOf(part) : part.lines;
  const headers = { 'Content-Type': body === 'array' ? 'application/json' : 'application/x-ndjson' };
  if (compression === 'none') return { data, headers };
  return { data: await compressors[compression](data), headers: { ...headers, 'Content-Encoding': compression } };
}

/** The lines as one JSON array: each newline becomes a comma, the last one the closing bracket. */
function arrayOf({ lines, records, endOf }: Part): Buffer {
  const data = Buffer.allocUnsafe(lines.length + 1);
  data[0] = OPENING;
  lines.copy(data, 1);
  for (let i = 0; i < records; i++) data[endOf(i)] = i === records - 1 ? CLOSING : COMMA;
  return data;
}
